"""Which device a job gets. No GPU is needed: CUDA's answers are stood in for, and what would run on
it is run in PyTorch's fake tensors, which have devices and shapes and no values."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lmtopo import device, memory, scoring
from lmtopo.errors import InputError
from lmtopo.files import lock

ROOT = Path(__file__).parents[1]
GPU = torch.device("cuda", 0)
ELSEWHERE = torch.device("meta")
"""A device that is not the CPU and that every build of PyTorch has."""


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The UUIDs of this process's CUDA devices, as PyTorch will be told."""
    names = ["one", "two"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(names))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=names[number])
    )
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: f"Card {place.index}")
    monkeypatch.setattr(device, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(device, "_held", {})
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    return names


@pytest.mark.parametrize(
    ("files", "visible", "expected"),
    [
        (["null", "nvidiactl", "nvidia-uvm"], None, 0),
        (["nvidia0", "nvidia1", "nvidia2", "nvidiactl"], None, 3),
        (["nvidia0", "nvidia1", "nvidia2"], "2", 1),
        (["nvidia0", "nvidia1", "nvidia2"], "0,2", 2),
        (["nvidia0", "nvidia1"], "GPU-8932f937, MIG-3eb87630", 2),
        (["nvidia0", "nvidia1"], "", 0),
        (["nvidia0", "nvidia1"], "0,-1,1", 1),
        (["null"], "0", 0),
    ],
)
def test_devices_are_counted_as_cuda_would_see_them(
    files: list[str],
    visible: str | None,
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(device, "NODES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device.count() == expected


def test_without_cuda_auto_is_the_cpu_and_cuda_is_an_error(cards: list[str]) -> None:
    cards.clear()
    assert device.ready("auto", 1) == torch.device("cpu")
    assert device.facts(device.ready("cpu", 1))["type"] == "cpu"
    with pytest.raises(InputError, match="device is cuda, but this job sees no GPU"):
        device.ready("cuda", 1)


def test_with_cuda_auto_takes_it_and_cpu_does_not(cards: list[str]) -> None:
    assert device.ready("cpu", 1) == torch.device("cpu")
    assert not device.LOCKS.exists()
    assert device.ready("auto", 1) == device.ready("cuda", 1) == GPU
    assert device.facts(GPU) == {"type": "cuda", "name": "Card 0"}
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def hold(places: Any) -> None:
    places.put(device.own())
    time.sleep(60)


def test_jobs_side_by_side_have_a_device_each_and_a_third_waits(cards: list[str]) -> None:
    fork = multiprocessing.get_context("fork")

    def start() -> tuple[Any, Any]:
        places = fork.SimpleQueue()
        job = fork.Process(target=hold, args=(places,), daemon=True)
        job.start()
        return job, places

    def told(places: Any) -> int:
        assert places._reader.poll(20), "no device for 20 s"
        return int(places.get())

    jobs = [start(), start()]
    assert {told(places) for _, places in jobs} == {0, 1}
    cards.reverse()  # another job may see them in another order: it is the card that counts
    third = start()
    assert not third[1]._reader.poll(0.3)
    jobs[1][0].kill()
    assert told(third[1]) in (0, 1)
    for job, _ in (*jobs, third):
        job.kill()
        job.join(20)


def test_a_job_of_slurm_s_takes_the_one_device_that_it_is_shown(cards: list[str]) -> None:
    del cards[0]
    assert device.own() == 0
    assert lock(device.LOCKS / "two.lock") is None
    assert not (device.LOCKS / "one.lock").exists()


def test_on_a_gpu_its_own_memory_counts_and_the_process_is_not_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (7 * 10**9, 8 * 10**9))
    monkeypatch.setattr(memory, "available", lambda: 2**20)
    with memory.limited(GPU) as free:
        assert len(np.ones(2**23)) == 2**23
    assert free == 7 * 10**9


def test_a_batch_too_large_for_the_gpu_names_the_size_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (7 * 10**9, 8 * 10**9))
    emptied: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))

    def passes(decoder: Any, reading: Any, size: int, sampler: Any = None) -> float:
        if size > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return 1.0

    monkeypatch.setattr(scoring, "total", passes)
    from test_scoring import reading

    decoder: Any = SimpleNamespace(device=GPU, vocabulary=300)
    plain = getattr(scoring.score, "__wrapped__", scoring.score)
    with pytest.raises(
        InputError,
        match=r"quality.batch_size: 32 windows of 64 tokens at once need more than the 7.0 GB of "
        r"memory that are free on the GPU; 4 fit",
    ):
        plain(decoder, reading(64 * 128, 64), 32)
    assert len(emptied) == 3


class OneDevice(TorchDispatchMode):
    """Refuses what CUDA refuses: an operation on tensors of two devices. Numbers (tensors without
    dimensions) and indices may be the CPU's; copies are how one gets from one to another."""

    COPIES = ("_to_copy", "copy_", "index.Tensor", "index_put_.default")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        leaves = tree_leaves((args, kwargs))
        places = {one.device for one in leaves if isinstance(one, torch.Tensor) and one.dim()}
        if len(places) > 1 and not any(name in str(func) for name in self.COPIES):
            raise RuntimeError(f"{func} of tensors on {places}")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "llama"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_pass_keeps_all_its_tensors_on_the_model_s_device(
    architecture: str, dtype: str, make_model: Callable[..., Any]
) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    from lmtopo.decoder import Decoder
    from lmtopo.formats.probes import Places
    from lmtopo.sampler import Sampler, Texts

    model = make_model(architecture).to(getattr(torch, dtype))
    windows = np.arange(3)
    seen: dict[str, torch.Tensor] = {}
    with FakeTensorMode(allow_non_fake_inputs=True), OneDevice(), torch.inference_mode():
        for module in model.modules():
            for kind in (module._parameters, module._buffers):
                for name, tensor in kind.items():
                    if tensor is not None:
                        kind[name] = torch.empty_like(tensor, device=ELSEWHERE)
        decoder = Decoder(model)
        assert decoder.device == ELSEWHERE
        places = Places(token=np.array([[0, 3], [2, 7]]), text=np.array([[0, 1, 5], [1, 2, 8]]))
        sampler = Sampler(places, decoder.layers, ["token", "last", "mean"], ELSEWHERE)
        states = decoder.body(
            torch.ones(3, 8, dtype=torch.long, device=ELSEWHERE), sampler.over(windows)
        )
        with pytest.raises(RuntimeError, match=r"embedding.* of tensors on"):
            decoder.body(torch.ones(3, 8, dtype=torch.long))
        logits = decoder.head(states.flatten(0, 1)[torch.arange(5, device=ELSEWHERE)])
        seen = {"states": states, "logits": logits, **sampler._clouds}
        assert isinstance(Texts(windows, windows, windows + 1, ELSEWHERE)._average, torch.Tensor)
    assert set(seen) == {"states", "logits", "token", "last", "mean"}
    assert {tensor.device for tensor in seen.values()} == {ELSEWHERE}
    assert seen["token"].shape[:2] == (len(decoder.layers), 2)


def test_means_by_one_product_are_those_of_text_by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from lmtopo.sampler import Texts

    draw = np.random.default_rng(0)
    states = torch.from_numpy(draw.standard_normal((3, 40, 8), dtype=np.float32))
    states[1, :5] = torch.inf  # what no text reads reaches none
    row, first, end = np.array([0, 1, 1, 2]), np.array([1, 5, 20, 39]), np.array([30, 9, 40, 40])
    one_by_one = Texts(row, first, end, torch.device("cpu")).means(states)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, place: tensor)
    at_once = Texts(row, first, end, GPU).means(states)
    assert torch.isfinite(one_by_one).all()
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_what_the_fork_server_imports_does_not_wake_cuda() -> None:
    """A child of a process that has asked CUDA for anything cannot use it."""
    code = """
import re, sys
from pathlib import Path
import torch
asked = []
for name in ("is_available", "device_count", "current_device", "_lazy_init"):
    setattr(torch.cuda, name, lambda *_, name=name: asked.append(name))
text = Path("workflow/rules/common.smk").read_text()
modules = re.findall(r'"([^"]+)"', text.partition("PRELOAD = (")[2].partition("\\n)")[0])
modules.remove("draw")
assert "torch" in modules and len(modules) > 10, modules
from lmtopo.fork_server import _preload
_preload(modules)
missing = {name.partition(":")[0] for name in modules} - set(sys.modules)
assert not missing, missing
assert not torch.cuda.is_initialized()
assert not asked, asked
"""
    reading, writing = os.pipe()  # the server imports as long as its input is open
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        stdin=reading,
        capture_output=True,
        text=True,
        timeout=300,
    )
    os.close(reading)
    assert "cannot import" not in done.stderr
    os.close(writing)
    assert done.returncode == 0, done.stderr
