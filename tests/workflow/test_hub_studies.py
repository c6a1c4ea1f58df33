"""Studies of checkpoints on a hub, which is a stand-in that can lose, cut, spoil and refuse."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import standin
from hub_studies import MANY, counted, on_disk, study
from standin import Fault
from workplace import Workplace, environment

pytestmark = pytest.mark.slow


def tables(place: Workplace) -> dict[str, bytes]:
    found = place.folder / "results/tiny/tables"
    return {path.name: path.read_bytes() for path in sorted(found.iterdir())}


@pytest.fixture
def undisturbed(serving: standin.Hub, make_workplace: Callable[..., Workplace]) -> Workplace:
    place = make_workplace("undisturbed")
    study(place, {"to": 64})
    place.snakemake()
    return place


def test_thirty_checkpoints_take_the_room_of_two_and_come_once(
    serving: standin.Hub, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("many")
    study(place, {"to": 19000})
    # lists that are shipped name revisions which this hub lacks
    text = place.snakemake("revisions")
    assert "31 revisions" in text
    serving.requests.clear()
    with counted(place) as most:
        place.snakemake("--cores", "4")
    assert 1 <= most[0] <= 2
    weights = [line for line in serving.requests if "model.safetensors" in line]
    assert len(weights) == len(set(weights)) == 30
    assert not any("pytorch_model" in line or "flax" in line for line in serving.requests)
    assert not list(place.folder.glob("results/tiny/checkpoints/*/*"))
    quality = pd.read_parquet(place.folder / "results/tiny/tables/quality.parquet")
    assert len(quality) == 60
    steps = quality.query("dataset == 'glue-mrpc'").set_index("step")["nll"]
    assert steps[0] == steps[1] != steps[2]


def test_reading_a_study_takes_one_request_a_repository_and_no_other(
    serving: standin.Hub, many_root: Path, make_workplace: Callable[..., Workplace]
) -> None:
    mine = many_root / "models/me/mine"
    mine.parent.mkdir(exist_ok=True)
    mine.symlink_to(many_root / "models" / MANY)
    place = make_workplace("asked")
    study(place, "all", models={"mine": {"source": "hub", "repo": "me/mine", "revisions": "all"}})
    assert place.planned()["checkpoint"] == 30
    assert serving.requests == ["GET /api/models/me/mine/refs"]
    assert place.planned()["checkpoint"] == 30
    assert len(serving.requests) == 1


def test_a_bad_network_gives_the_same_tables(
    serving: standin.Hub, undisturbed: Workplace, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("disturbed")
    study(place, {"to": 64})
    weights = r"GET .*model\.safetensors"
    serving.faults += [
        Fault(r"GET .*/revision/", 503, 2),
        Fault(r"GET .*/tree/", 500, 2),
        Fault(r"GET .*/tree/", "truncate", 1),
        Fault(r"GET .*/revision/", 429, 2, {"Retry-After": "1"}),
        Fault(weights, "drop", 2),
        Fault(weights, "truncate", 2),
        Fault(weights, "flip", 2),
        Fault(weights, "stall", 1),
        Fault(r"GET .*parquet", "flip", 1),
        Fault(r"GET .*config\.json", "flip", 1),
    ]
    place.snakemake()
    assert all(fault.times == 0 for fault in serving.faults)
    assert tables(place) == tables(undisturbed)


def test_a_killed_study_goes_on_within_its_room(
    serving: standin.Hub, undisturbed: Workplace, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("killed")
    study(place, {"to": 64})
    serving.delay = 0.05
    running = subprocess.Popen(
        place.command(),
        cwd=place.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with counted(place) as most:
        until = time.monotonic() + 240
        while len(list(place.folder.glob("results/tiny/pairs/**/quality.json"))) < 3:
            assert time.monotonic() < until
            assert running.poll() is None
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        place.snakemake()
    assert most[0] <= 2
    assert tables(place) == tables(undisturbed)
    assert on_disk(place) == 0


def test_a_lost_revision_fails_alone_and_the_tables_say_so(
    serving: standin.Hub, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("lost")
    study(place, ["step0", "step2", "step4", "step8"])
    lost = Fault(r"/revision/step2", 404, headers={"X-Error-Code": "RevisionNotFound"})
    serving.faults.append(lost)
    text = place.snakemake("--keep-going", fails=True)
    assert "revision 'step2' of 'EleutherAI/pythia-70m' is not on the hub" in text
    assert "2 pairs of checkpoint and dataset are lost" in text
    assert len(list(place.folder.glob("results/tiny/pairs/**/signatures.parquet"))) == 6
    text = place.snakemake("--config", "missing=leave_out")
    assert "missing: pythia step2" in text
    missing = pd.read_csv(place.folder / "results/tiny/tables/missing.csv")
    assert missing["checkpoint"].tolist() == ["step2", "step2"]
    quality = pd.read_parquet(place.folder / "results/tiny/tables/quality.parquet")
    assert sorted(set(quality["step"])) == [0, 4, 8]
    distances = pd.read_parquet(place.folder / "results/tiny/tables/distances.parquet")
    neighbours = distances.query("relation == 'consecutive'")[["step", "other_step"]]
    assert neighbours.drop_duplicates().to_numpy().tolist() == [[0, 4], [4, 8]]
    serving.faults.clear()
    place.snakemake()
    assert pd.read_csv(place.folder / "results/tiny/tables/missing.csv").empty


def test_a_failure_without_keep_going_does_not_leave_downloads_waiting(
    serving: standin.Hub, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("stopped")
    study(place, {"to": 64}, hub={"patience": 30, "keep": 1})
    serving.faults.append(
        Fault(r"/revision/step4$", 404, headers={"X-Error-Code": "RevisionNotFound"})
    )
    text = place.snakemake(fails=True)
    assert "revision 'step4'" in text


def test_downloads_that_nobody_frees_are_refused_and_a_failure_before_is_forgotten(
    serving: standin.Hub, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("until")
    study(place, {"to": 2})
    text = place.snakemake("--until", "checkpoint", fails=True)
    assert "3 downloaded checkpoints would stay, as no job of this run reads them" in text
    assert on_disk(place) == 0
    study(place, {"to": 1}, hub={"keep": 2})
    stopping = place.folder / ".lmtopo/hub/tiny/stopping"
    stopping.parent.mkdir(parents=True, exist_ok=True)
    stopping.touch()  # as a run that has failed leaves it
    place.snakemake("--until", "checkpoint")
    assert on_disk(place) == 2
    assert not stopping.exists()


def test_offline_with_a_full_cache_asks_for_nothing(
    serving: standin.Hub,
    make_workplace: Callable[..., Workplace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = make_workplace("offline")
    study(place, ["step0", "step2"])
    fill = (
        "from huggingface_hub import snapshot_download as get\n"
        f"for revision in ('main', 'step0', 'step2'): get('{MANY}', revision=revision)\n"
        "get('roneneldan/TinyStories', repo_type='dataset')\n"
        "get('nyu-mll/glue', repo_type='dataset')\n"
    )
    subprocess.run([sys.executable, "-c", fill], check=True, env=environment(), capture_output=True)
    cache = Path(os.environ["HF_HOME"])
    before = sorted(cache.rglob("blobs/*"))
    serving.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    place.snakemake()
    assert serving.requests == []
    assert sorted(cache.rglob("blobs/*")) == before
