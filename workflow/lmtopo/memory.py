"""How much memory a pass may take, and an error instead of a kill when it takes more."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available() -> int:
    """Bytes that this process may still take: what the machine has free, or less where a control
    group (a container, a Slurm job) allows less."""
    import psutil

    return min([int(psutil.virtual_memory().available), *allowances()])


def allowances() -> Iterator[int]:
    """Bytes left in each memory-limited control group, version 2, that this process is in."""
    lines = MEMBERSHIP.read_text().splitlines() if MEMBERSHIP.is_file() else []
    for line in lines:
        if line.startswith("0::/"):
            group = CGROUPS / line.removeprefix("0::/")
            for folder in (group, *group.parents):
                limit, used = folder / "memory.max", folder / "memory.current"
                if limit.is_file() and limit.read_text().strip() != "max":
                    yield max(0, int(limit.read_text()) - int(used.read_text()))
                if folder == CGROUPS:
                    break


@contextmanager
def limited() -> Iterator[int]:
    """Inside, an allocation beyond what is `available` at the start fails with an error that
    `lacking` knows, where the system would have killed the process. Gives those bytes.

    Linux only; elsewhere nothing is limited.
    """
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
