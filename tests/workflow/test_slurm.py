"""Studies on a real Slurm of one node: the tables are those of a local run, whatever fails."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import cluster
import pytest
import standin
from cluster import Cluster
from hub_studies import counted, on_disk, study
from workplace import ROOT, Workplace, environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(cluster.MISSING), reason=f"not installed: {cluster.MISSING}"),
]

QUICK = (
    "--workflow-profile",
    str(ROOT / "profiles/slurm"),
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "3"),
    *("--latency-wait", "10"),
)
LIMIT = 600.0
"""Seconds that a study may take."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster.running(tmp_path_factory.mktemp("slurm")) as found:
        yield found


def start(place: Workplace, slurm: Cluster, *arguments: str) -> subprocess.Popen[str]:
    """Snakemake on the cluster; what it prints goes to ``place.folder/said``."""
    return subprocess.Popen(
        place.command(*arguments, *QUICK, "--cores", "2"),
        cwd=place.folder,
        env={**environment(), **slurm.environment},
        stdout=(place.folder / "said").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process: subprocess.Popen[str], place: Workplace, slurm: Cluster) -> str:
    """What it has said, once it has ended well."""
    try:
        status = process.wait(LIMIT)
    finally:
        process.kill()
    said = (place.folder / "said").read_text()
    assert status == 0, said + str(slurm.jobs()) + slurm.log("slurmctld")[-2000:]
    return said


def smaller(place: Workplace) -> Workplace:
    """A place with the tiny study, made of 18 jobs."""
    place.change(
        train={"checkpoints": 3},
        noise={"checkpoints": "none"},
        budgets={"low": {"flops": 5e9}},
        models={"neox-16": {**MODEL, "budgets": ["low"]}},
    )
    return place


MODEL: dict[str, Any] = {
    "source": "train",
    "dataset": "tiny-stories",
    "vocabulary": 300,
    "architecture": {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "rotary_pct": 0.5,
    },
}


def test_a_node_that_fails_and_a_job_that_is_killed_for_memory_change_no_table(
    slurm: Cluster, make_workplace: Callable[..., Workplace]
) -> None:
    here, there = smaller(make_workplace("here")), smaller(make_workplace("there"))
    little = "probe:mem_mb=100 if attempt == 1 else 4000"
    process = start(there, slurm, "tables", "--set-resources", little)
    try:
        here.snakemake("tables", "--cores", "1")
        until = time.monotonic() + LIMIT
        while not any("rule_observe" in job[1] for job in slurm.jobs() if job[0] == "RUNNING"):
            assert process.poll() is None, (there.folder / "said").read_text()
            assert time.monotonic() < until
            time.sleep(0.5)
        slurm.fail()
        end(process, there, slurm)
    finally:
        process.kill()
    assert there.results() == here.results()
    assert "memory" in slurm.log("slurmd")
    assert "Requeuing" in slurm.log("slurmctld")
    probes = [state for state, comment in slurm.jobs() if "rule_probe" in comment]
    assert len(probes) == 2
    assert sum(state == "COMPLETED" for state in probes) == 1
    assert not [path for path in there.folder.rglob("results/**/.*.*") if path.is_dir()]


def test_downloads_stay_within_their_room_while_twenty_jobs_may_run(
    slurm: Cluster, serving: standin.Hub, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("room")
    study(place, {"to": 4}, evaluate=["glue-mrpc"], noise={"checkpoints": "none"})
    with counted(place) as most:
        arguments = ("--until", "observe", "-j", "20", "--slurm-array-jobs", "none")
        end(start(place, slurm, *arguments), place, slurm)
    assert 1 <= most[0] <= 2
    assert len(list(place.folder.glob("results/tiny/pairs/**/quality.json"))) == 4
    assert on_disk(place) == 0


def test_arrays_with_fewer_places_than_jobs_are_refused(
    slurm: Cluster, make_workplace: Callable[..., Workplace]
) -> None:
    place = make_workplace("arrays")
    process = start(place, slurm, "-j", "2")
    assert process.wait(60) != 0
    assert "jobs of an array would wait for ever" in (place.folder / "said").read_text()


def test_what_a_killed_run_has_submitted_is_not_submitted_again(
    slurm: Cluster, make_workplace: Callable[..., Workplace]
) -> None:
    place, target = make_workplace("killed"), "datasets/tiny-stories"
    before = len(slurm.jobs())
    process = start(place, slurm, target)
    until = time.monotonic() + LIMIT
    while len(slurm.jobs()) == before:
        assert process.poll() is None, (place.folder / "said").read_text()
        assert time.monotonic() < until
        time.sleep(0.1)
    process.kill()
    process.wait()
    refused = start(place, slurm, target)
    assert refused.wait(60) != 0
    said = (place.folder / "said").read_text()
    assert "gave its jobs to a cluster and was killed" in said
    assert "snakemake --unlock" in said
    while any(state in ("PENDING", "RUNNING") for state, *_ in slurm.jobs()):
        assert time.monotonic() < until
        time.sleep(0.5)
    assert len(slurm.jobs()) == before + 1
    place.snakemake("--unlock")
    end(start(place, slurm, target), place, slurm)
    assert (place.folder / target / "provenance.json").is_file()
