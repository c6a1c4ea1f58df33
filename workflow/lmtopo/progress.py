"""How far a run has come, said in lines where there is no terminal to show a bar on.

Snakemake's logger redraws a bar, of which nothing is seen in a file (nohup, a batch job): between
the table of jobs and the summary there would be nothing for minutes or days.
"""

import logging
import threading
import time
from collections.abc import Callable

FIRST, LONGEST = 60.0, 600.0
"""Seconds until the first line, and at most between two of a run of hours."""


class Progress(logging.Handler):
    """Counts the jobs that end, of ``total``, by Snakemake's log events, and has ``say`` say it
    every minute, later on every tenth of the time that has passed."""

    def __init__(self, total: int, say: Callable[[str], object], first: float = FIRST) -> None:
        super().__init__()
        self._total, self._say, self._first = total, say, first
        self._began, self._done = time.monotonic(), 0
        self._over = threading.Event()
        threading.Thread(target=self._tell, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", None) == "job_finished":
            self._done += 1
            if self._done >= self._total:
                self._over.set()

    def close(self) -> None:
        self._over.set()
        super().close()

    def _tell(self) -> None:
        pause = self._first
        while not self._over.wait(pause):
            spent = time.monotonic() - self._began
            self._say(f"{self._done:,} of {self._total:,} jobs, {duration(spent)}")
            pause = min(LONGEST, max(self._first, spent / 10))


def duration(seconds: float) -> str:
    """``6 min``, or ``2 h 6 min``."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
