"""The whole workflow, driven by Snakemake, on the tiny study."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from workplace import ROOT, Workplace, environment

import lmtopo
from lmtopo.errors import InputError
from lmtopo.files import lock
from lmtopo.study import shown
from lmtopo.tables import KEYS

pytestmark = pytest.mark.slow

OF_TASKS = ("downstream", "downstream_signature")
FIGURES = tuple(name for name in shown.FIGURES if name not in OF_TASKS)


def table(place: Workplace, name: str) -> pd.DataFrame:
    return pd.read_parquet(place.folder / "results/tiny/tables" / f"{name}.parquet")


def test_tables_have_a_row_for_every_key_of_the_study(finished: Workplace) -> None:
    quality, signatures = table(finished, "quality"), table(finished, "signatures")
    assert len(quality) == 2 * 4  # runs x checkpoints
    for name, found in (("quality", quality), ("signatures", signatures)):
        assert not found.duplicated(list(KEYS[name])).any()
        csv = pd.read_csv(finished.folder / "results/tiny/tables" / f"{name}.csv")
        assert list(csv.columns) == list(found.columns)
        assert len(csv) == len(found)
    clouds = len(quality) * 4 * 2 * 2  # layers x poolings x replicates
    counts = signatures.groupby(["dimension", "signature"]).size()
    assert set(counts) == {clouds}
    assert {-1, 0, 1} == set(signatures["dimension"])
    assert set(signatures["layer"]) == {"embedding", "block_1", "block_2", "final_norm"}
    assert signatures.groupby("layer")["depth"].first().to_dict() == {
        "embedding": 0.0,
        "block_1": 0.5,
        "block_2": 1.0,
        "final_norm": 1.0,
    }


def test_every_value_stands_beside_its_null_and_its_noise(finished: Workplace) -> None:
    signatures = table(finished, "signatures")
    first = signatures[signatures["replicate"] == 0]
    drawn = first[(first["dimension"] == 0) & (first["signature"] != "significant_count")]
    assert (drawn["gaussian_draws"] == 2).all()
    assert (signatures.query("replicate == 1")["gaussian_draws"] == 0).all()
    start = first.query("step == 0 and signature == 'mean_norm'")
    assert start["untrained_value"].notna().all()
    noise = table(finished, "noise")
    assert not noise.duplicated(list(KEYS["noise"])).any()
    assert set(noise["source"]) == {"subsample", "seed", "dtype"}
    last = signatures.groupby(["model", "budget"])["step"].max()
    assert noise.groupby(["model", "budget"])["step"].unique().str[0].to_dict() == last.to_dict()
    moved = noise.query("signature == 'mean_norm' and source == 'dtype'")
    assert (moved["spread"] > 0).all()
    assert (moved["spread"] < moved["range_over_training"]).all()


def test_four_checkpoints_are_too_few_for_a_verdict(finished: Workplace) -> None:
    evidence = table(finished, "evidence")
    assert not evidence.duplicated(list(KEYS["evidence"])).any()
    assert set(evidence["verdict"]) == {"too few checkpoints"}
    assert set(evidence["model"]) == {"neox-16", "pooled"}
    for name in ("phases", "redundancy"):
        assert set(KEYS[name]) < set(table(finished, name).columns)
    text = (finished.folder / "results/tiny/findings.md").read_text()
    assert "No test was declared beforehand" in text
    assert "2 runs have fewer than 15 checkpoints" in text


def test_a_table_from_elsewhere_is_analysed_without_the_study(
    make_workplace: Callable[..., Workplace],
) -> None:
    place = make_workplace("outside")
    rng = np.random.default_rng(0)
    rows = [
        {"model": "m", "seed": seed, "step": step, "compute": 1e9 * step}
        | {"loss": 9 - np.log(step) + 0.1 * deviation, "h1_entropy": np.log(step) + deviation}
        for seed in range(4)
        for step, deviation in enumerate(rng.standard_normal(30), start=1)
    ]
    pd.DataFrame(rows).to_csv(place.folder / "theirs.csv", index=False)
    wanted = ("analyse", "--config", "table=theirs.csv")
    assert place.planned(*wanted) == {"analyse": 1}
    held = lock(place.folder / ".lmtopo/studies/tiny.lock")  # as by a run of the study
    assert held is not None
    place.snakemake(*wanted)
    os.close(held)
    folder = place.folder / "results/outside/theirs"
    pooled = pd.read_csv(folder / "tables/evidence.csv").query("model == 'pooled'")
    assert pooled["verdict"].tolist() == ["supported"]
    assert "1 of 1 test declared beforehand holds" in (folder / "findings.md").read_text()
    message = place.snakemake("analyse", "--config", "table=none.csv", fails=True)
    assert "table: there is no file 'none.csv'" in message
    message = place.snakemake("figures", "--config", "table=theirs.csv", fails=True)
    assert "only target analyse is made of it, not collate, compare" in message


def test_distances_join_checkpoints_layers_and_runs(finished: Workplace) -> None:
    found = table(finished, "distances")
    assert not found.duplicated(list(KEYS["distances"])).any()
    csv = pd.read_csv(finished.folder / "results/tiny/tables/distances.csv")
    assert len(csv) == len(found)
    clouds = found.query("dimension == 1 and distance == 'bottleneck'")
    counts = clouds.groupby("relation").size().to_dict()
    # x poolings; 4 layers of 2 runs of 4 checkpoints, all of them landmarks
    assert counts["consecutive"] == 2 * 4 * 2 * 3
    assert counts["landmarks"] == 2 * 4 * 2 * 3
    assert counts["layers"] == 2 * 3 * 2 * 4
    assert counts["runs"] == 2 * 4 * 4  # both runs take the same steps
    diagrams = found.query("dimension >= 0")["value"]
    assert diagrams.between(0, np.inf, inclusive="left").all()
    same_weights = found.query("relation == 'runs' and step == 0 and dimension >= 0")
    assert (same_weights["value"] == 0.0).all()
    apart = found.query("relation == 'consecutive' and dimension == 0")
    assert (apart["value"] > 0).mean() > 0.9
    assert found.query("distance == 'linear_cka'")["value"].between(0, 1 + 1e-9).all()


def test_training_lowers_perplexity_from_that_of_a_guess(finished: Workplace) -> None:
    quality = table(finished, "quality").query("budget == 'low'").sort_values("step")
    assert quality["perplexity"].iloc[0] == pytest.approx(300, rel=0.1)
    assert quality["perplexity"].iloc[-1] < 100
    assert quality["flops"].iloc[-1] <= 5e9
    assert (quality["unique_tokens"] == quality["tokens"]).all()
    scarce = table(finished, "quality").query("budget == 'scarce'")
    assert scarce["unique_tokens"].max() < 2000 < scarce["tokens"].max()


def test_the_same_weights_give_the_same_numbers(finished: Workplace) -> None:
    signatures = table(finished, "signatures").query("step == 0")
    low, scarce = (signatures[signatures["budget"] == name] for name in ("low", "scarce"))
    np.testing.assert_array_equal(low["value"].to_numpy(), scarce["value"].to_numpy())


def test_diagrams_load_in_one_line_and_are_what_persim_takes(
    finished: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import persim

    monkeypatch.chdir(finished.folder)
    where: dict[str, Any] = {
        "checkpoint": "step0",
        "dataset": "tiny-stories",
        "layer": "block_2",
        "pooling": "token",
        "replicate": 1,
    }
    found = lmtopo.diagrams("tiny", model="neox-16", budget="low", **where)
    assert [diagram.shape[1] for diagram in found] == [2, 2]
    assert len(found[0]) == 32
    assert np.isinf(found[0][:, 1]).sum() == 1
    assert persim.bottleneck(found[1], found[1]) == pytest.approx(0)
    with pytest.raises(InputError, match="has several runs: give budget, one of low, scarce"):
        lmtopo.diagrams("tiny", model="neox-16", **where)
    with pytest.raises(InputError, match=r"no dataset 'x' .* \(there are: tiny-stories\)"):
        lmtopo.diagrams("tiny", model="neox-16", budget="low", **{**where, "dataset": "x"})


def test_figures_are_there_in_both_formats(finished: Workplace) -> None:
    from matplotlib.image import imread

    for name in FIGURES:
        figures = finished.folder / "results/tiny/figures"
        assert imread(figures / f"{name}.png").std() > 0.05
        assert "<svg" in (figures / f"{name}.svg").read_text()[:2000]


def test_every_pair_says_where_it_comes_from(finished: Workplace) -> None:
    pair = finished.folder / "results/tiny/pairs/neox-16/low/step0/tiny-stories"
    found = json.loads((pair / "provenance.json").read_text())
    assert found["packages"]["torch"]
    assert any(path.endswith("step0/model.safetensors") for path in found["sha256"])
    study = json.loads((finished.folder / "results/tiny/provenance.json").read_text())
    assert study["config"]["study"] == "tiny"
    assert set(study["datasets"]) == {"tiny-stories"}


def test_one_core_gives_the_same_bytes_as_two(
    finished: Workplace, make_workplace: Callable[..., Workplace]
) -> None:
    one = make_workplace("one")
    one.snakemake("--cores", "1")
    assert one.results() == finished.results()


def test_a_second_run_does_nothing(finished: Workplace) -> None:
    assert "Nothing to be done" in finished.snakemake()


def test_the_summary_says_what_there_is_and_where(finished: Workplace) -> None:
    from lmtopo.summary import of

    text = subprocess.run(
        [sys.executable, "-c", "from lmtopo.summary import of; print(of('tiny'))"],
        cwd=finished.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "2 runs, 8 checkpoints, 8 pairs" in text
    assert "results/tiny/figures" in text
    assert "results/tiny/atlas/index.html" in text
    with pytest.raises(InputError, match="has no tables"):
        of("nothing-of-that-name")


COMPARED = {"compare", "compare_runs"}
PERSISTED = {"persist", "describe", *COMPARED}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            {"evaluate": ["tiny-stories", "tiny-articles"]},
            {"dataset", "probe", "observe", *PERSISTED},
        ),
        ({"train": {"learning_rate": 1e-3}}, {"train", "observe", *PERSISTED}),
        ({"clouds": {"poolings": ["token", "last"]}}, {"probe", "observe", *PERSISTED}),
        ({"clouds": {"layers": ["block_1"]}}, {"observe", *PERSISTED}),
        ({"homology": {"metric": "cosine"}}, PERSISTED),
        ({"homology": {"nulls": {"gaussian": 3}}}, PERSISTED),
        ({"signatures": ["feature_count", "twonn"]}, {"describe"}),
        ({"compare": {"landmarks": 3}}, COMPARED),
        ({"evidence": {"warmup": 0.1}}, set()),
        ({"figures": {"formats": ["pdf"]}}, set()),
        ({"downstream": {"tasks": ["tiny-pairs"]}}, {"dataset", "downstream"}),
        (
            {"downstream": {"tasks": ["tiny-pairs"], "d90": ["tiny-pairs"]}},
            {"dataset", "downstream", "d90"},
        ),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_change_computes_what_it_touches_and_nothing_else(
    sections: dict[str, Any], expected: set[str], copied: Callable[..., Workplace]
) -> None:
    place = copied()
    rows = {"train": 0, "validation": 30, "test": 0}
    articles = {"source": "generated", "kind": "articles", "rows": rows}
    pairs = {"source": "generated", "kind": "paraphrases"}
    place.change(datasets={"tiny-articles": articles, "tiny-pairs": pairs})
    place.change(**sections)
    jobs = place.planned()
    ends = {"collate", "noise", "analyse", "provenance", "atlas", "recipes"} | {
        rule for rule in jobs if rule.startswith("draw_")
    }
    again = {rule for rule in jobs if rule.endswith("_again")}
    assert set(jobs) - ends - again == expected
    # another dataset and nulls do not touch what is observed again
    touches_noise = not {"evaluate", "nulls"} & {*sections, *sections.get("homology", {})}
    made_again = expected & {"probe", "observe", "persist", "describe"} if touches_noise else set()
    assert again == {f"{rule}_again" for rule in made_again}
    if "evaluate" in sections:
        assert jobs["dataset"] == jobs["probe"] == 1
        assert jobs["observe"] == jobs["describe"] == 8
        assert jobs["compare"] == 2
        assert jobs["compare_runs"] == 1


def test_tasks_and_outside_metrics_have_tables_and_figures(
    copied: Callable[..., Workplace],
) -> None:
    place = copied()
    rows = {"train": 60, "validation": 40, "test": 0}
    pairs = {"source": "generated", "kind": "paraphrases", "rows": rows}
    metrics = "model,budget,step,acc\nneox-16,low,0,0.1\nneox-16,scarce,1,0.2\n"
    (place.folder / "mine.csv").write_text(metrics)
    place.change(datasets={"tiny-pairs": pairs}, quality={"external": "mine.csv"})
    place.change(downstream={"tasks": ["tiny-pairs"], "checkpoints": "landmarks", "landmarks": 2})
    finetune = {"dimensions": [9], "seeds": 2, "steps": 4, "batch_size": 4}
    place.change(downstream={"d90": ["tiny-pairs"], "finetune": finetune})
    jobs = place.planned()
    assert (jobs["downstream"], jobs["d90"], jobs["external"]) == (4, 2, 1)
    assert not {"observe", "persist", "describe"} & set(jobs)
    place.snakemake()
    found = table(place, "downstream")
    assert not found.duplicated(list(KEYS["downstream"])).any()
    assert (
        found.groupby("budget")["step"].agg(["nunique", "min"]).to_numpy().tolist() == [[2, 0]] * 2
    )
    assert set(found["n"]) == {40, 60}
    assert (found["metric"] == "d90_global").sum() == (found["metric"] == "d90_said").sum() == 2
    # the same weights give the same numbers
    low, scarce = (
        found.query(f"step == 0 and budget == '{name}'")["value"] for name in ("low", "scarce")
    )
    np.testing.assert_array_equal(low.to_numpy(), scarce.to_numpy())
    external = table(place, "external")
    assert external[["budget", "checkpoint", "value"]].to_numpy().tolist() == [
        ["low", "step0", 0.1],
        ["scarce", "step1", 0.2],
    ]
    for name in OF_TASKS:
        assert (place.folder / f"results/tiny/figures/{name}.png").is_file()
    assert "Nothing to be done" in place.snakemake()
    (place.folder / "mine.csv").write_text(metrics.replace("0.2", "0.3"))
    of_analysis = {f"draw_{name}" for name in ("evidence", "skill", "distances", "redundancy")}
    assert set(place.planned()) == {"external", "analyse", *of_analysis}
    (place.folder / "mine.csv").write_text(metrics.replace("scarce", "scarse"))
    text = place.snakemake(fails=True)
    assert "quality.external: 'mine.csv': 1 of 2 rows are of no checkpoint" in text


def test_another_model_computes_its_own_pairs_only(copied: Callable[..., Workplace]) -> None:
    place = copied()
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    place.change(
        models={
            "neox-32": {
                "source": "train",
                "dataset": "tiny-stories",
                "vocabulary": 300,
                "architecture": shape,
                "budgets": ["low"],
            }
        }
    )
    jobs = place.planned()
    assert jobs["train"] == 1
    assert jobs["observe"] == jobs["persist"] == jobs["describe"] == 4


def test_an_edited_signature_recomputes_describe_and_what_follows(
    copied: Callable[..., Workplace], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    for name in ("Snakefile", "workflow", "profiles", "envs"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, elsewhere / name)
    place = copied(snakefile=elsewhere / "Snakefile")
    assert place.planned() == {}
    place.snakemake("--forcerun", "probe", "--until", "probe")  # jobs run from there, too
    figure = elsewhere / "workflow/lmtopo/draw/barcodes.py"
    before = figure.read_text()
    figure.write_text(before + "\nOTHER = 1\n")
    assert place.planned() == {"draw_barcodes": 1}
    figure.write_text(before)
    code = elsewhere / "workflow/lmtopo/signatures/topological.py"
    code.write_text(code.read_text() + "\n# a remark\n")
    assert place.planned() == {}
    code.write_text(code.read_text() + "\nOTHER = 1\n")
    jobs = place.planned()
    assert jobs["describe"] == 8
    assert not {"train", "probe", "observe", "persist"} & set(jobs)


def test_an_edited_text_file_makes_its_dataset_again(
    make_workplace: Callable[..., Workplace],
) -> None:
    place = make_workplace("edited")
    text = place.folder / "mine.txt"
    text.write_text("\n".join(f"the dog number {number} saw the cat" * 9 for number in range(300)))
    mine = {"source": "local", "format": "lines", "path": "mine.txt"}
    place.change(datasets={"mine": mine})
    model = yaml.safe_load((place.folder / "tiny.yaml").read_text())["models"]["neox-16"]
    place.change(models={"neox-16": {**model, "dataset": "mine"}}, evaluate=["mine"])
    place.change(clouds={"points": 33, "poolings": ["token"]})
    place.snakemake("datasets")
    assert "Nothing to be done" in place.snakemake("datasets")
    text.write_text(text.read_text() + "\nthe end of all the dogs and cats\n")
    assert place.planned("datasets")["dataset"] == 1


def test_figures_are_redrawn_from_the_tables_alone(copied: Callable[..., Workplace]) -> None:
    place = copied()
    shutil.rmtree(place.folder / "results/tiny/figures")
    tables = place.folder / "results/tiny/tables/quality.parquet"
    before = tables.stat().st_mtime_ns
    assert set(place.planned("figures")) == {
        "figures",
        *(f"draw_{name}" for name in FIGURES),
    }
    place.snakemake("figures")
    assert (place.folder / "results/tiny/figures/perplexity.png").is_file()
    assert tables.stat().st_mtime_ns == before


def test_the_report_carries_every_figure_and_table_with_a_caption(
    copied: Callable[..., Workplace],
) -> None:
    place = copied()
    place.snakemake("--report", "report.zip")
    file = zipfile.ZipFile(place.folder / "report.zip")
    assert sum(name.endswith("perplexity.png") for name in file.namelist()) == 1
    assert sum(Path(name).match("data/raw/*/index.html") for name in file.namelist()) == 1
    page = file.read("report/report.html").decode()
    parts = {
        part: json.JSONDecoder().raw_decode(page, page.index(f"{start} {{") + len(start) + 1)[0]
        for part, start in (("results", "var results ="), ("categories", "var categories ="))
    }
    assert set(parts["categories"]) == {"Figures", "Tables", "Findings", "Atlas"}
    items = parts["results"].values()
    assert all(len(one["caption"]) > 50 for one in items)
    labels = [one["labels"] for one in items]
    drawn = {(one["figure"], one["format"]) for one in labels if "figure" in one}
    assert drawn == {(name, kind) for name in FIGURES for kind in ("png", "svg")}
    tables = {one["table"] for one in labels if "table" in one}
    assert tables == set(KEYS) - {"external"}  # which this study has not


@pytest.mark.parametrize(
    "sign", [".lmtopo/state/*/run/step1", "results/tiny/pairs/*/*/*/*/diagrams.npz"]
)
def test_a_killed_study_resumes_and_ends_with_the_same_results(
    sign: str, finished: Workplace, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("killed")
    process = subprocess.Popen(
        place.command("--cores", "2"),
        cwd=place.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list(place.folder.glob(sign)):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    text = place.snakemake()
    assert "had left this folder locked: it is free again" in text
    assert place.results() == finished.results()
    assert [str(path) for path in place.folder.rglob("results/**/.*.*") if path.is_dir()] == []


def test_a_study_waits_for_a_dataset_that_another_has_begun_to_make(
    make_workplace: Callable[..., Workplace],
) -> None:
    place = make_workplace("begun")
    held = lock(place.folder / ".lmtopo/datasets/tiny-stories.lock")
    assert held is not None
    told = place.snakemake("datasets", fails=True)
    assert "another run that makes datasets/tiny-stories is under way in this folder" in told
    os.close(held)
    place.snakemake("datasets")


def test_checkpoints_of_the_users_own_go_through(
    make_workplace: Callable[..., Workplace], save_checkpoint: Callable[..., Path]
) -> None:
    place = make_workplace("local")
    models = {}
    for architecture in ("gpt_neox", "gpt2", "llama"):
        for step in (0, 500):
            folder = place.folder / "mine" / architecture / f"checkpoint-{step}"
            save_checkpoint(folder, architecture, seed=step)
        name = architecture.replace("_", "-")
        path = f"mine/{architecture}/checkpoint-*"
        models[name] = {"source": "local", "path": path}
    models["gpt2"]["tokens_per_step"] = 1000
    place.change(quality={"context": 48})
    study = place.folder / "tiny.yaml"
    raw = yaml.safe_load(study.read_text())
    study.write_text(yaml.safe_dump({**raw, "models": models, "budgets": {}}))
    place.snakemake()
    quality = table(place, "quality")
    assert quality.groupby("model")["step"].apply(list).to_dict() == {
        "gpt-neox": [0, 500],
        "gpt2": [0, 500],
        "llama": [0, 500],
    }
    assert set(quality["budget"]) == {"released"}
    assert quality.query("model == 'llama'")["flops"].isna().all()
    assert quality.query("model == 'gpt2'")["tokens"].tolist() == [0, 500_000]
    folder = place.folder / "mine/gpt2/checkpoint-1000"
    save_checkpoint(folder, "gpt2", seed=3)
    jobs = place.planned()
    assert jobs["observe"] == jobs["persist"] == jobs["describe"] == 1


def test_mistakes_are_told_before_anything_runs(make_workplace: Callable[..., Workplace]) -> None:
    place = make_workplace("mistaken")
    place.change(budgets={"low": {"flops": 1.0}}, clouds={"points": 10**6})
    text = place.snakemake(fails=True)
    assert "budget 'low' gives model 'neox-16' 0 optimizer steps" in text
    assert "1000000 points" in text
    assert "Traceback" not in text
    assert not (place.folder / "results").exists()


def test_a_copied_model_that_kept_its_name_is_told(
    make_workplace: Callable[..., Workplace],
) -> None:
    place = make_workplace("twice")
    file = place.folder / "tiny.yaml"
    text = file.read_text()
    file.write_text(text.replace("models:\n", "models:\n  neox-16: {source: local, path: x}\n"))
    told = place.snakemake(fails=True)
    assert f"'{file}', line 10: key 'models.neox-16' stands on line 9 already" in told
    assert "Traceback" not in told


def test_a_failing_job_says_why_in_one_line(make_workplace: Callable[..., Workplace]) -> None:
    place = make_workplace("failing")
    place.change(clouds={"points": 1000, "poolings": ["mean"], "subsample": 32})
    text = place.snakemake(fails=True)
    assert "lmtopo probe: dataset 'tiny-stories', split 'validation'" in text
    assert "need as many texts, but there are" in text


def test_the_default_study_is_used_only_without_another(
    make_workplace: Callable[..., Workplace],
) -> None:
    place = make_workplace("other")
    text = place.snakemake("--dry-run")
    assert "neox-64" not in text


def test_a_part_of_a_study_is_computed_by_itself_and_counts_for_the_whole(
    finished: Workplace, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("part")
    jobs = place.planned("pairs", "--config", "only={budget: low}")
    assert jobs["train"] == 1
    assert jobs["observe"] == jobs["persist"] == jobs["describe"] == 4
    assert "collate" not in jobs
    half = place.planned("pairs", "--batch", "pairs=1/2")
    assert 0 < half["describe"] < 8
    assert finished.planned("--config", "only={budget: low}") == {}


def test_an_archive_is_redrawn_elsewhere_without_models_or_data(
    copied: Callable[..., Workplace], tmp_path: Path
) -> None:
    place = copied()
    assert set(place.planned("archive")) == {"archive"}
    place.snakemake("archive")
    packed = tmp_path / "tiny.zip"
    shutil.move(place.folder / "results/tiny/tiny.zip", packed)
    places = (str(place.folder).encode(), str(ROOT).encode(), str(Path.home()).encode() + b"/")
    with zipfile.ZipFile(packed) as archive:
        for name in archive.namelist():
            assert not [one for one in places if one in archive.read(name)], name
        config = yaml.safe_load(archive.read("tiny/config.yaml"))
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(config))
    assert place.planned(study=again) == {}  # it is the study file, defaults and all
    figures = {path.name: path.read_bytes() for path in place.folder.glob("results/tiny/figures/*")}
    shutil.rmtree(place.folder)
    code = "import lmtopo; lmtopo.load_study('tiny.zip').redraw(folder='drawn')"
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(ROOT / "workflow")},
        check=True,
    )
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()}
    assert set(drawn) == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert drawn == figures
