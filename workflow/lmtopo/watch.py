"""The main process watches its jobs: what a failure loses, and whose disk it frees.

Snakemake deletes a downloaded checkpoint when all jobs that need it have succeeded. If one has
failed, or will never start because another has failed, nobody would delete it, and downloads that
wait for its slot would wait for ever.
"""

import logging
import shutil
from typing import Any

from lmtopo import losses

PAIR_RULES = frozenset({"observe", "persist", "describe", "downstream", "d90"})
OBSERVING = frozenset({"observe", "observe_again", "downstream", "d90"})
"""The rules that read checkpoints."""


class Watch(logging.Handler):
    """Follows Snakemake's log events. ``dag`` is Snakemake's graph of jobs.

    ``on_loss`` is called when a job has failed for good.
    """

    def __init__(self, study: str, dag: Any, on_loss: Any) -> None:
        super().__init__()
        self._study, self._dag, self._on_loss = study, dag, on_loss
        self._lost_jobs: set[Any] = set()
        self._affected: set[Any] = set()
        # what has failed is done, if it is part of this run, or is tried again
        part = {(pair_of(job), job.rule.name) for job in dag.jobs if job.rule.name in PAIR_RULES}
        tried = {pair_of(job) for job in dag.needrun_jobs() if job.rule.name in PAIR_RULES}
        known = losses.read(study)
        self.lost = {
            pair: why
            for pair, why in known.items()
            if pair not in tried and (pair, why.partition(":")[0]) not in part
        }
        if known != self.lost:
            losses.write(study, self.lost)

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        try:
            if event == "job_error":
                self.failed(self.job(record.jobid))  # type: ignore[attr-defined]
            elif event == "job_finished" and self._affected:
                self.make_room(self.job(record.job_id))  # type: ignore[attr-defined]
        except Exception:
            self.handleError(record)

    def job(self, number: int) -> Any:
        return next(job for job in self._dag.jobs if self._dag.jobid(job) == number)

    def failed(self, job: Any) -> None:
        """Note what a failed job loses: its pair, and those that wait for it."""
        if job.restart_times > job.attempt - 1:
            return
        why = f"{job.rule.name}: it was killed"
        if job.log:
            why = losses.reason(job.log[0])
        gone = set(self._dag.bfs(self._dag.depending, job))
        for one in gone:
            if one.rule.name in PAIR_RULES:
                self.lost[pair_of(one)] = why
            if one.rule.name in OBSERVING:
                needed = self._dag.job_dependencies(one)
                self._affected |= {need for need in needed if need.rule.name == "checkpoint"}
        self._lost_jobs |= gone
        losses.write(self._study, self.lost)
        self._on_loss()
        self.make_room()

    def make_room(self, finished: Any = None) -> None:
        """Delete downloaded checkpoints that only lost jobs still wait for."""
        for checkpoint in list(self._affected):
            waiting = [
                job
                for job in self._dag.depending[checkpoint]
                if self._dag.needrun(job)
                and not self._dag.finished(job)
                and job is not finished
                and job not in self._lost_jobs
            ]
            if not waiting and self._dag.noneedrun_finished(checkpoint):
                self._affected.discard(checkpoint)
                for folder in checkpoint.output:
                    shutil.rmtree(folder, ignore_errors=True)


def pair_of(job: Any) -> losses.Pair:
    named = job.wildcards
    return (named.model, named.budget, named.checkpoint, named.dataset)
