"""How much memory a pass may take, and an error instead of a kill when it takes more."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lmtopo.errors import InputError

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

TRIM, MAP = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, see mallopt(3)."""
KEPT = 1 << 30
OLDER = 32 << 20
"""The most that an older glibc takes."""


def available() -> int:
    """Bytes that this process may still take: what the machine has free, or less where a control
    group (a container, a Slurm job) allows less."""
    import psutil

    return min([int(psutil.virtual_memory().available), *allowances()])


RECLAIMABLE = ("active_file", "inactive_file", "slab_reclaimable")
"""What a control group counts as used, but the kernel gives back: copies of what files hold."""


def allowances() -> Iterator[int]:
    """Bytes left in each memory-limited control group, version 2, that this process is in."""
    lines = MEMBERSHIP.read_text().splitlines() if MEMBERSHIP.is_file() else []
    for line in lines:
        if line.startswith("0::/"):
            group = CGROUPS / line.removeprefix("0::/")
            for folder in (group, *group.parents):
                limit, used = folder / "memory.max", folder / "memory.current"
                if limit.is_file() and limit.read_text().strip() != "max":
                    taken = int(used.read_text())
                    yield max(0, int(limit.read_text()) - taken + min(taken, reclaimable(folder)))
                if folder == CGROUPS:
                    break


def reclaimable(group: Path) -> int:
    """Bytes of `RECLAIMABLE` in a control group; 0 where it does not tell."""
    told = group / "memory.stat"
    lines = told.read_text().splitlines() if told.is_file() else []
    counts = dict(line.split() for line in lines)
    return sum(int(counts.get(name, 0)) for name in RECLAIMABLE)


def keep_freed() -> None:
    """Have the C library keep memory that is freed for what is asked for next, if it is glibc.

    Otherwise it gives each large array back to the kernel, and gets the next one page by page,
    filled with zeros: a step of training a small model spent 2,000 pages and a tenth of its time.
    """
    import ctypes

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(TRIM, KEPT)
        if not set_option(MAP, KEPT):
            set_option(MAP, OLDER)


def in_batches(
    work: Callable[[int], Result],
    size: int,
    *,
    attempt: Callable[[int], object],
    device: "torch.device",
    what: str,
    otherwise: str,
) -> Result:
    """``work(size)``, where ``size`` is how many of something are taken at once.

    ``attempt(n)`` takes so much memory as ``work(n)`` at its worst; ``what`` names the key of the
    size and what there is so many of, ``otherwise`` the mend if not even one fits.

    Raises
    ------
    InputError
        If that does not fit into memory, with the largest half, quarter, eighth ... that does.
    """
    with limited(device) as free:
        try:
            return work(size)
        except (RuntimeError, MemoryError) as error:
            if not lacking(error):
                raise
        # here, where its error is forgotten, what the failed work held is free again
        fits = size // 2
        while fits and not succeeds(attempt, fits, device):
            fits //= 2
    raise InputError(
        f"{what.format(size)} at once need more than the {free / 1e9:.1f} GB of memory that are "
        f"free{' on the GPU' if device.type == 'cuda' else ''}; "
        + (f"{fits} fit" if fits else f"not even one fits: {otherwise}")
    )


def succeeds(attempt: Callable[[int], object], size: int, device: "torch.device") -> bool:
    """Whether there is memory for ``attempt(size)``."""
    if device.type == "cuda":
        import torch

        torch.cuda.empty_cache()
    try:
        attempt(size)
    except (RuntimeError, MemoryError) as error:
        if not lacking(error):
            raise
        return False
    return True


@contextmanager
def limited(device: "torch.device | None" = None) -> Iterator[int]:
    """Inside, an allocation beyond what is `available` at the start fails with an error that
    `lacking` knows, where the system would have killed the process. Gives those bytes.

    Linux only; elsewhere nothing is limited. Nor is it for a CUDA ``device``, whose memory has its
    bounds (and whose driver reserves addresses far beyond the machine's): its free bytes are given.
    """
    if device is not None and device.type == "cuda":
        import torch

        yield torch.cuda.mem_get_info(device)[0]
        return
    free = available()
    if sys.platform != "linux":
        yield free
        return
    import resource

    import psutil

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = psutil.Process().memory_info().data + free
    hard = before[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield free
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def lacking(error: Exception) -> bool:
    """Whether an error says that memory has run out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("allocate memory", "out of memory", "out_of_memory")
    )
