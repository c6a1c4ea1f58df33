"""The device a job computes on: the CPU, or a CUDA device that it has to itself.

PyTorch is imported inside functions: whoever plans a study needs `count` alone. Nothing here may be
called in the fork server but `count`, for a child of a process that has woken CUDA cannot use it.
"""

import os
import platform
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lmtopo.errors import InputError
from lmtopo.files import lock

if TYPE_CHECKING:
    import torch

Wanted = Literal["auto", "cpu", "cuda"]

STAGES = ("train", "observe", "downstream", "d90")
"""Those that run a model."""
NODES = Path("/dev")
LOCKS = Path(tempfile.gettempdir()) / f"lmtopo-gpus-{os.getuid()}"
LONGEST_WAIT = 1.0

_held: dict[int, int] = {}


def count() -> int:
    """CUDA devices within reach, by the device files that NVIDIA's driver makes and by
    ``CUDA_VISIBLE_DEVICES``; without PyTorch, and without waking a driver."""
    nodes = sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in NODES.iterdir())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not nodes:
        return nodes
    names = [name.strip() for name in visible.split(",")]
    # CUDA sees the devices before the first name that is none
    return next((place for place, name in enumerate(names) if name in ("", "-1")), len(names))


def ready(wanted: str, threads: int) -> "torch.device":
    """Make PyTorch compute the same each time, with ``threads`` threads, and return the device:
    ``cpu``; ``cuda``; or for ``auto`` CUDA where this process has it.

    Of several CUDA devices that are visible (Slurm shows a job its own), a process takes the first
    that no other process of this user has taken so, waits for one if need be, and keeps it to its
    end. float32 products are made in float32, not in TF32, and sums of half-precision products in
    float32.

    Raises
    ------
    InputError
        If CUDA is wanted and there is none.

    Source: PyTorch's notes on reproducibility and on numerical accuracy
    """
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    if wanted == "cpu":
        return torch.device("cpu")
    # cuBLAS reads it when it starts; without it, it may sum in another order from call to call
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if not torch.cuda.is_available():
        if wanted == "auto":
            return torch.device("cpu")
        raise InputError(
            f"device is cuda, but this job sees no GPU that PyTorch {torch.__version__} can use: "
            "have it run where there is one, with a PyTorch made for CUDA, or set device to cpu"
        )
    # else PyTorch would overwrite all memory that it takes, in search of what reads it unwritten
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    return torch.device("cuda", own())


def own() -> int:
    """The number of the visible CUDA device that this process has to itself."""
    import torch

    wait = 0.05
    while not _held:
        for number in range(torch.cuda.device_count()):
            # by its UUID: what is number 0 here may be number 2 elsewhere
            file = lock(LOCKS / f"{torch.cuda.get_device_properties(number).uuid}.lock")
            if file is not None:
                _held[number] = file
                torch.cuda.set_device(number)
                break
        else:
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
    return next(iter(_held))


def facts(device: "torch.device") -> dict[str, str]:
    """What a result's provenance says of the device: its ``type`` and its ``name``."""
    import torch

    if device.type == "cuda":
        return {"type": "cuda", "name": torch.cuda.get_device_name(device)}
    capability = torch.backends.cpu.get_cpu_capability()
    return {"type": "cpu", "name": f"{platform.machine()} {capability}"}
