"""When a training run stops and saves, and which of its checkpoints stand for all: known before any
job starts."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def log_spaced_steps(last: int, count: int) -> list[int]:
    """``count`` distinct steps from 0 to ``last``: 0, 1, then as evenly on a log scale as
    integers allow.

    Each next step is ``max(s + 1, s * (last / s) ** (1 / remaining))``, rounded, so early steps
    that would coincide move on by one instead. Fewer steps than ``count`` are all returned.

    Raises
    ------
    ValueError
        If ``last`` is below 1 or ``count`` below 3.
    """
    if last < 1 or count < 3:
        raise ValueError(f"log_spaced_steps needs last >= 1 and count >= 3, not {last}, {count}")
    if last + 1 <= count:
        return list(range(last + 1))
    steps = [0, 1]
    for remaining in range(count - 2, 0, -1):
        step = steps[-1]
        steps.append(max(step + 1, round(step * (last / step) ** (1 / remaining))))
    return steps


def total_steps(
    *, flops: float | None, tokens: float | None, tokens_per_step: int, flops_per_token: int
) -> int:
    """Whole optimizer steps that a budget of ``flops`` or of ``tokens`` pays for (may be 0)."""
    if flops is not None:
        return int(flops // (flops_per_token * tokens_per_step))
    if tokens is None:
        raise ValueError("a budget needs flops or tokens")
    return int(tokens // tokens_per_step)


def spread(items: Sequence[T], count: int) -> list[T]:
    """``count`` of the items, evenly from the first to the last; all if there are no more; of one,
    the last."""
    last = len(items) - 1
    if count == 1:
        return list(items[-1:])
    if last < count:
        return list(items)
    return [items[round(last * part / (count - 1))] for part in range(count)]
