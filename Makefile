# `make study` runs the default study, `make test` the tests; both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
# modules are compiled when they are first used: most never are, and all of them take 100 s
PIP := $(BIN)/pip install --quiet --no-compile

# workers side by side, each with threads of its own, would spin while they wait for each other
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.PHONY: study test fast-test chaos check format schema conda gallery benchmark benchmark-observe \
  benchmark-scale benchmark-gpu against-script

study: $(VENV)/.ready
	$(BIN)/snakemake --cores $(CORES)
	@$(BIN)/snakemake --cores 1 --report results/small/report.zip --quiet all
	@PYTHONPATH=workflow $(BIN)/python -m lmtopo.summary small

test: $(VENV)/.ready $(VENV)/.harness
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder

fast-test: $(VENV)/.ready
	$(PYTEST) -m "not slow" -n 2

# the tiny study under faults at random moments; FAULTS and SEED say how many and which
FAULTS ?= 50
SEED ?= 1
chaos: $(VENV)/.ready
	PYTHONPATH=workflow $(BIN)/python tests/workflow/chaos.py --faults $(FAULTS) --seed $(SEED)

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# a test keeps config/schema.json in step with workflow/lmtopo/study/schema.py
schema: $(VENV)/.ready
	PYTHONPATH=workflow $(BIN)/python -c "from lmtopo.study.schema import json_schema; \
	  from lmtopo.files import write_json; write_json('config/schema.json', json_schema())"

# the README's pictures, made of the default study's figures
gallery: study
	$(BIN)/python docs/gallery.py

# the same versions for `snakemake --sdm conda`; a test keeps the two in step
conda:
	{ printf 'channels: [conda-forge, nodefaults]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n'; \
	  sed 's/^/      - /' envs/requirements.txt; } > envs/lmtopo.yaml

# engines of persistent homology side by side, on clouds made here and on states of a trained model
benchmark: $(VENV)/.ready
	$(BIN)/snakemake --cores $(CORES) --configfile benchmarks/states.yaml --until observe --quiet all
	$(BIN)/python benchmarks/persistence.py

# tokens per second of stage `observe`, beside a plain script, the harness and the machine's limit
benchmark-observe: $(VENV)/.ready $(VENV)/.harness
	$(BIN)/python benchmarks/observe.py

# what thousands of jobs cost that do nothing
benchmark-scale: $(VENV)/.ready
	$(BIN)/python benchmarks/scale.py

# a pass of a model of Pythia-410m's shape on a GPU, beside the card's own rate and the CPU
benchmark-gpu: $(VENV)/.ready
	$(BIN)/python benchmarks/gpu.py

# the whole workflow beside a plain script on the same checkpoints; FOLDER keeps what is measured
against-script: $(VENV)/.ready
	$(BIN)/python benchmarks/against_script.py $(if $(FOLDER),--folder $(FOLDER))

# torch goes first and by itself, so that nothing else decides which build is taken
$(VENV)/.ready: envs/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "lmtopo is pinned for Python 3.11: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --disable-pip-version-check "$$(grep '^torch==' envs/requirements.txt)"
	$(PIP) --disable-pip-version-check --requirement envs/requirements.txt
	@touch $@

# lm-evaluation-harness, for the test that compares with it: nothing else needs it
$(VENV)/.harness: $(VENV)/.ready envs/harness.txt
	$(PIP) --disable-pip-version-check --constraint envs/requirements.txt \
	  --requirement envs/harness.txt
	@touch $@
