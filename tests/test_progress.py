"""Where no bar is seen, lines say how far a run has come."""

import logging
import threading

import pytest

from lmtopo.progress import Progress, duration


def ended() -> logging.LogRecord:
    return logging.makeLogRecord({"event": "job_finished"})


def test_jobs_that_have_ended_are_counted_until_all_have() -> None:
    lines: list[str] = []
    heard = threading.Semaphore(0)

    def say(line: str) -> None:
        lines.append(line)
        heard.release()

    progress = Progress(2, say, first=0.02)
    assert heard.acquire(timeout=5)
    assert lines[0] == "0 of 2 jobs, 0 min"
    progress.handle(logging.makeLogRecord({"event": "job_started"}))
    progress.handle(ended())
    assert heard.acquire(timeout=5)  # this one may have been under way
    assert heard.acquire(timeout=5)
    assert lines[-1] == "1 of 2 jobs, 0 min"
    progress.handle(ended())
    while heard.acquire(timeout=0.2):
        pass
    count = len(lines)
    assert not heard.acquire(timeout=0.2)
    assert len(lines) == count


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0 min"), (361.0, "6 min"), (3599.0, "1 h 0 min"), (7560.0, "2 h 6 min")],
)
def test_times_are_in_minutes_and_hours(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
