"""The study, and how a rule becomes a job."""

import os
import sys
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence
from snakemake_interface_executor_plugins.settings import DeploymentMethod

LIBRARY = Path(workflow.current_basedir).parent
if str(LIBRARY) not in sys.path:
    sys.path.insert(0, str(LIBRARY))

from lmtopo import (
    fork_server,
    locks,
    progress,
    session,
    slots,
    study,
    summary,
    terminal,
    watch,
)
from lmtopo.arguments import argument
from lmtopo.errors import InputError
from lmtopo.files import lock
from lmtopo.fingerprint import fingerprint
from lmtopo.study import again, check, needs, settings, shown, tasks

if workflow.is_main_process:
    locks.keep_those_of_others(FilePersistence)
    if session.enter():
        logger.warning(
            "A run that was killed had left this folder locked: it is free again."
        )
    if session.left_elsewhere():
        logger.warning(
            "The last run gave its jobs to a cluster and was killed, and they may still run. When "
            "they have ended or are cancelled (squeue, scancel): snakemake --unlock"
        )
    session.note(str(workflow.snakemake_tmp_dir))

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # requests that no study needs

try:
    if workflow.is_main_process:
        check.unique_keys(workflow.overwrite_configfiles or workflow.configfiles)
    STUDY = study.read(config, checked=not workflow.is_main_process)
except InputError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process and (other := session.beside(STUDY.name)):
    logger.warning(
        f"A run of study '{STUDY.name}' was killed, and its lock is kept while study '{other}' is "
        "running in this folder: wait for the end of that one, then start again (--unlock would "
        "free its lock, too)"
    )

RESULTS = STUDY.results
EXTERNAL = STUDY.file.quality.external
RUN = f"{RESULTS}/runs/{{model}}/{{budget}}"
PROBE = f"{RESULTS}/probes/{{tokenizer}}/{{dataset}}/probe.safetensors"
PAIR = f"{RESULTS}/pairs/{{model}}/{{budget}}/{{checkpoint}}/{{dataset}}"
LOGS = f"logs/{STUDY.name}"
PAIR_LOGS = f"{LOGS}/pairs/{{model}}/{{budget}}/{{checkpoint}}/{{dataset}}"

MODELS = {"checkpoint", "tokenizer", "probe", "train", "observe", "downstream", "d90"}
CLOUDS = {"persist", "describe", "noise", "compare", "compare_runs", "downstream"}
PRELOAD = (
    (None, ["jaxtyping"]),
    (
        MODELS,
        [
            "torch",
            "transformers.models.auto.modeling_auto",
            "transformers.models.auto.tokenization_auto",
            "transformers.models.gpt_neox.modeling_gpt_neox",
            "safetensors.torch",
        ],
    ),
    (None, ["pyarrow.parquet", "pandas", "psutil", "threadpoolctl"]),
    (
        CLOUDS,
        [
            "numba",
            "numba.core.registry:cpu_target.target_context.refresh",
            "scipy.optimize",
            "sklearn.linear_model",
            "sklearn.model_selection",
        ],
    ),
    ({"draw"}, ["matplotlib.pyplot"]),
    (MODELS, ["lmtopo.observe", "lmtopo.formats.checkpoints:warm"]),
    (
        CLOUDS,
        [
            "lmtopo.persist",
            "lmtopo.describe",
            "lmtopo.signatures.intrinsic_dimension:warm",
            "lmtopo.vietoris_rips:warm",
        ],
    ),
    (None, ["lmtopo.blas:warm", "lmtopo.provenance:versions"]),
)
"""What the fork server imports and calls ahead, and the rules (of figures, ``draw``) whose jobs it
is for; None: all."""

CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
"""Whether jobs run in the rules' conda environment (`--sdm conda`), not in Snakemake's own."""
PYTHON = "python" if CONDA else quote(sys.executable)
JOB = f"{PYTHON} -S -P {quote(str(LIBRARY))}/lmtopo/client.py"
"""Calls the stage's function with what it is told and the rule's files; `script:` would cost
0.2 s a job. Rules name it in braces: Snakemake compares a rule's command before it is filled in,
so that results stay valid when the folder or the environment moves."""


wildcard_constraints:
    dataset=r"[a-z0-9][a-z0-9._-]*",
    tokenizer=r"[a-z0-9][a-z0-9._-]*",
    model=r"[a-z0-9][a-z0-9._-]*",
    budget=r"[a-z0-9][a-z0-9._-]*",
    checkpoint=r"step[0-9]+",
    variant=r"seed[0-9]+|float32|bfloat16|float16",


def told(stage, settings=lambda wildcards: {}, module=None):
    """What a job is told of the study (`lmtopo.arguments`): the stage, its arguments beside files, and the
    fingerprint of its code, or of the ``module`` that does its work. It depends on the wildcards
    alone, so Snakemake re-runs the rule when it changes (parameters made from inputs or outputs are
    not compared)."""

    def build(wildcards):
        return call(stage, fingerprint(module or stage), settings(wildcards))

    return build


def call(stage, code, arguments):
    return argument({"stage": stage, "code": code, "arguments": arguments})


def files_and(more):
    """The rule's named inputs and outputs, the other arguments of the stage; and what
    ``more(wildcards)`` adds, arguments that may change without a re-run."""

    def build(wildcards, input, output):
        named = {
            name: value if isinstance(value, str) else [str(one) for one in value]
            for name, value in (*input.items(), *output.items())
        }
        return argument({**named, **more(wildcards)})

    return build


files = files_and(lambda wildcards: {})


def needed(of, stage=None):
    """Memory and time of a job as resources, more at each further attempt. ``of(wildcards)`` is a
    `needs.Need`; a ``stage`` that runs a model may want a GPU as well."""
    return {
        "gpu": int(stage is not None and STUDY.wants_gpu(stage)),
        "mem_mb": lambda wildcards, attempt: of(wildcards).mem_mb(attempt),
        "runtime": lambda wildcards, attempt: of(wildcards).runtime(attempt),
    }


def checkpoint_of(wildcards):
    return STUDY.checkpoint(wildcards.model, wildcards.budget, wildcards.checkpoint)


def released(wildcards):
    return STUDY.checkpoint(wildcards.model, "released", wildcards.checkpoint)


def pair_files(name, wanted=lambda *pair: True):
    """A file of every pair of the study; or of those with a ``wanted(model, budget, dataset)``."""
    return [
        f"{STUDY.pair_folder(checkpoint, dataset)}/{name}"
        for checkpoint, dataset in STUDY.pairs
        if wanted(checkpoint.model, checkpoint.budget, dataset)
    ]


def begin():
    """See that no other run makes the same files; pay for imports once, and have the logger print
    what jobs say (jobs on other machines do without either); follow what fails; and clear the room
    that an ended run has left taken.
    """
    if not workflow.is_main_process:
        return
    if STUDY.file.table is not None:
        refuse_others()
    if any(job.output for job in workflow.dag.needrun_jobs()):
        # of a table from elsewhere not the study's, of which nothing is made
        name = STUDY.analysed.removeprefix("results/")
        claim(STUDY.analysed, session.STUDIES / name)
    for job in workflow.dag.needrun_jobs():
        if job.rule.name == "dataset":
            claim(*job.output, Path(".lmtopo") / job.output[0])
    refuse_arrays()
    if not workflow.local_exec:
        session.elsewhere()
    else:
        # Snakemake's limit, 100 jobs a second, spares clusters. After every look for jobs to start
        # it has another follow a second later, so that there are more and more of them.
        workflow.scheduler.job_rate_limiter = None
        terminal.relay(logger.info)
        session.lead()
        if not CONDA:  # the server would be another Python
            fork_server.start(preload(), session.held())
    logger.addHandler(watch.Watch(STUDY.name, workflow.dag, stop_waiting))
    if not sys.stderr.isatty():
        total = len(list(workflow.dag.needrun_jobs()))
        logger.addHandler(progress.Progress(total, logger.info))
    if STUDY.from_hub:
        begin_downloads()


def preload():
    """What jobs of this run would import, each by itself."""
    rules = {job.rule.name for job in workflow.dag.needrun_jobs()}
    kinds = {"draw" if name.startswith("draw_") else name for name in rules}
    kinds = {name.removesuffix("_again") for name in kinds}
    wanted = [names for of, names in PRELOAD if of is None or of & kinds]
    return [name for names in wanted for name in names]


def begin_downloads():
    """See that there is, or will be, room for every checkpoint that is to be downloaded."""
    jobs = workflow.dag.needrun_jobs()
    wanted = {str(job.output[0]) for job in jobs if job.rule.name == "checkpoint"}
    observed = any(job.rule.name in watch.OBSERVING for job in workflow.dag.jobs)
    keep = STUDY.file.hub.keep
    if wanted or observed:
        slots.stopping(STUDY.name).unlink(missing_ok=True)
    if observed:
        slots.clear(STUDY.name, keep, checkpoints_needed())
    try:
        slots.check_room(STUDY.name, keep, wanted, checkpoints_needed())
    except InputError as error:
        raise WorkflowError(str(error)) from None


def claim(made, place):
    """Refuse to make what another run is making. (Snakemake looks for locks before it sets its own:
    two started at once both pass.)"""
    try:
        held = lock(Path(f"{place}.lock"))
    except InputError as error:
        raise WorkflowError(str(error)) from None
    if held is None:
        raise WorkflowError(
            f"another run that makes {made} is under way in this folder: wait for its end"
        )
    SESSION.append(held)


def refuse_others():
    """Of a table from elsewhere `analyse` is made, and not, in the study's folder, its figures."""
    others = {job.rule.name for job in workflow.dag.needrun_jobs()} - {"analyse"}
    if others:
        raise WorkflowError(
            f"table '{STUDY.file.table.file}' is from elsewhere, and only target analyse is made of "
            f"it, not {', '.join(sorted(others)[:3])}: run snakemake analyse, or leave table out"
        )


def refuse_arrays():
    """Where not all jobs of an array that could start are started at once, the Slurm plugin (2.8)
    drops those that are, and Snakemake waits for them for ever."""
    arrays = getattr(workflow.executor_settings, "array_jobs", None) or "none"
    places = workflow.resource_settings.nodes
    limited = places is not None and places < sys.maxsize
    if arrays != "none" and (limited or workflow.scheduling_settings.subsample):
        raise WorkflowError(
            "--slurm-array-jobs with fewer places (--jobs) than jobs, or --scheduler-subsample: "
            "jobs of an array would wait for ever. Give --jobs unlimited and no subsample, or "
            "--slurm-array-jobs none"
        )


SESSION = []
"""The locks of this run on the study and the datasets that it makes, until the process ends."""


def checkpoints_needed():
    jobs = workflow.dag.needrun_jobs()
    return {
        str(path)
        for job in jobs
        if job.rule.name in watch.OBSERVING
        for path in job.input
    }


def stop_waiting():
    """After a failure without --keep-going no room will be made: waiting downloads end."""
    if STUDY.from_hub and not workflow.execution_settings.keep_going:
        slots.stop(STUDY.name)


def say_summary():
    # `make study` says it last, after the report; a run of some targets has no tables to sum up
    tables = [Path(table).is_file() for table in rules.collate.output]
    asked = any(job.rule.name == "collate" for job in workflow.dag.jobs)
    if (
        workflow.is_main_process
        and "MAKELEVEL" not in os.environ
        and asked
        and all(tables)
    ):
        logger.info(summary.of(STUDY.name))


def say_losses():
    if workflow.is_main_process:
        logger.error(summary.of_losses(STUDY.name))


if "downloads" not in workflow.global_resources:
    workflow.global_resources["downloads"] = STUDY.file.hub.downloads
