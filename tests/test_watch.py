"""The main process frees the room of checkpoints that only lost jobs wait for."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lmtopo import losses, summary
from lmtopo.watch import Watch

PAIR = {"model": "m", "budget": "released", "checkpoint": "step1"}


class Graph:
    """As much of Snakemake's graph as is watched: a download and two observations."""

    def __init__(self, folder: Path) -> None:
        self.download = job("checkpoint", {}, [str(folder)])
        self.pairs = [job("observe", {**PAIR, "dataset": name}, []) for name in ("a", "b")]
        self.jobs = [self.download, *self.pairs]
        self.depending = {self.download: dict.fromkeys(self.pairs), **{p: {} for p in self.pairs}}
        self.done = {self.download}

    def needrun_jobs(self) -> list[Any]:
        return self.jobs

    def jobid(self, one: Any) -> int:
        return self.jobs.index(one)

    def job_dependencies(self, one: Any) -> list[Any]:
        return [self.download] if one in self.pairs else []

    def bfs(self, direction: Any, start: Any) -> list[Any]:
        return [start, *direction[start]]

    def needrun(self, one: Any) -> bool:
        return True

    def finished(self, one: Any) -> bool:
        return one in self.done

    noneedrun_finished = finished


class Job(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__


def job(rule: str, wildcards: dict[str, str], output: list[str]) -> Job:
    return Job(
        rule=SimpleNamespace(name=rule),
        wildcards=SimpleNamespace(**wildcards),
        output=output,
        log=[f"{rule}.log"],
        restart_times=0,
        attempt=1,
    )


def event(**facts: Any) -> logging.LogRecord:
    return logging.makeLogRecord(facts)


def test_room_is_made_when_the_last_live_job_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "weights"
    folder.mkdir()
    Path("observe.log").write_text("noise\nlmtopo observe: the weights are broken\n")
    graph, stopped = Graph(folder), []
    watch = Watch("s", graph, lambda: stopped.append(1))
    watch.handle(event(event="job_error", jobid=1))
    assert losses.read("s") == {("m", "released", "step1", "a"): "observe: the weights are broken"}
    assert stopped == [1]
    assert folder.exists()
    watch.handle(event(event="job_finished", job_id=2))
    assert not folder.exists()


def test_an_observation_made_again_loses_no_pair_but_leaves_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "weights"
    folder.mkdir()
    graph = Graph(folder)
    graph.pairs[0].rule.name = "observe_again"
    watch = Watch("s", graph, lambda: None)
    watch.handle(event(event="job_error", jobid=1))
    assert losses.read("s") == {}
    watch.handle(event(event="job_finished", job_id=2))
    assert not folder.exists()


def test_what_is_part_of_a_run_is_lost_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = Graph(tmp_path / "step1")
    reasons = {"a": "observe: why", "b": "persist: why", "other": "observe: why"}
    lost = {("m", "released", "step1", name): why for name, why in reasons.items()}
    losses.write("s", lost)
    monkeypatch.setattr(graph, "needrun_jobs", list)  # all is done
    Watch("s", graph, lambda: None)
    del lost["m", "released", "step1", "a"]  # of the others what has failed is not part of the run
    assert losses.read("s") == lost


def test_one_lost_pair_is_not_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lost = {("m", "released", "step1", name): "observe: why" for name in ("a", "b")}
    losses.write("s", lost)
    assert "2 pairs of checkpoint and dataset are lost." in summary.of_losses("s")
    del lost["m", "released", "step1", "b"]
    losses.write("s", lost)
    assert "1 pair of checkpoint and dataset is lost." in summary.of_losses("s")


def test_a_damaged_record_of_losses_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    losses.write("s", {("m", "released", "step1", "a"): "observe: why"})
    (losses.RECORDS / "s.json").write_text("")
    assert losses.read("s") == {}


def test_a_job_that_will_be_tried_again_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = Graph(tmp_path / "weights")
    graph.pairs[0].restart_times = 1
    Watch("s", graph, lambda: None).handle(event(event="job_error", jobid=1))
    assert losses.read("s") == {}


def test_the_handlers_lock_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.chdir(tmp_path)
    watch = Watch("s", Graph(tmp_path / "weights"), lambda: None)
    watch.handle(event(event="job_error", jobid=1))
    other = threading.Thread(target=watch.handle, args=(event(event="progress"),))
    other.start()
    other.join(5)
    assert not other.is_alive()
