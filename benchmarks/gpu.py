"""A pass of `observe` on a GPU: its speed, its share of the card's rate, and whether it agrees.

``make benchmark-gpu`` runs it. A GPT-NeoX of the shape of Pythia-410m, with random weights, reads
generated articles as one stream of windows, in bfloat16 and in float32.

- ``share``: the FLOPs of the pass over its seconds, the model loaded, over the card's rate of
  square matrix products in that dtype, measured here.
- ``agreement``: clouds and NLL of the first articles, against the CPU in float32: the largest
  distance of two points that should be one, over the median norm of the layer's points.

Where there is no GPU it says so and measures nothing; ``--device cpu --layers 2`` tries it out.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from observe import make, make_probe, work  # noqa: E402

from lmtopo import device as devices  # noqa: E402
from lmtopo.decoder import Decoder  # noqa: E402
from lmtopo.formats import checkpoints, clouds, probes  # noqa: E402
from lmtopo.observe import observe  # noqa: E402
from lmtopo.sampler import Sampler  # noqa: E402
from lmtopo.scoring import score  # noqa: E402

SHAPE = {
    "vocab_size": 50_304,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "max_position_embeddings": 2048,
    "rotary_pct": 0.25,
}
POOLINGS = ["token", "mean"]
FEW = 4
"""Articles that the CPU reads as well."""


def seconds(call: Callable[[], object], place: torch.device, repeat: int) -> float:
    """The least of a few calls, after one that warms up."""
    call()
    best = float("inf")
    for _ in range(repeat):
        if place.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        if place.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def rate(dtype: torch.dtype, place: torch.device) -> float:
    """FLOP/s of matrix products, the best of a few sizes."""
    best = 0.0
    for size in (4096, 8192) if place.type == "cuda" else (1024,):
        a, b = (torch.randn(size, size, device=place).to(dtype) for _ in range(2))
        best = max(best, 2 * size**3 / seconds(partial(torch.mm, a, b), place, 10))
    return best


def observed(folder: Path, probe: Path, dtype: str, device: str) -> tuple[clouds.Clouds, float]:
    """Clouds and NLL of one call of the stage."""
    out = folder / f"{device}-{dtype}"
    observe(
        checkpoint=str(folder / "model"),
        probe=str(probe),
        clouds=str(out / "clouds.safetensors"),
        quality=str(out / "quality.json"),
        provenance=str(out / "provenance.json"),
        run={"step": 0, "tokens": None},
        layers="all",
        poolings=POOLINGS,
        dtype=dtype,
        batch_size=FEW,
        threads=torch.get_num_threads(),
        linear="plain",
        device=device,
    )
    readings = json.loads((out / "quality.json").read_text())["readings"]
    return clouds.load(out / "clouds.safetensors"), float(readings["windows"]["nll"])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Largest over layers (layers x points x width)."""
    distance = np.linalg.norm(one - other, axis=2).max(axis=1)
    return float((distance / np.median(np.linalg.norm(other, axis=2), axis=1)).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--points", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--layers", type=int, default=SHAPE["num_hidden_layers"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float32"])
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} sees no GPU here: nothing is measured")
        return
    place = devices.ready(options.device, torch.get_num_threads())
    shape: dict[str, Any] = {**SHAPE, "num_hidden_layers": options.layers}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, options.documents, shape)
        windows = partial(make_probe, folder, "windows", poolings=POOLINGS)
        whole = windows(context=options.context, points=options.points)
        few = windows(documents=FEW, context=64, points=12)
        print(f"{devices.facts(place)['name']}, PyTorch {torch.__version__}")
        exact, nll = observed(folder, few, "float32", "cpu")
        for dtype in options.dtypes:
            read, model = probes.load(whole), checkpoints.load(folder / "model", dtype=dtype)
            model.to(place)
            decoder, [reading] = Decoder(model), read.readings
            sampler = Sampler(read.places, decoder.layers, POOLINGS, place)
            with torch.inference_mode():
                once = partial(score, decoder, reading, options.batch_size)
                both = seconds(partial(once, sampler), place, options.repeat)
                alone = seconds(once, place, options.repeat)
            best = rate(getattr(torch, dtype), place)
            # attention to what lies before, in each window
            spent = work(reading.windows.length.astype(np.float64), shape)
            tokens = int(reading.windows.length.sum())
            print(
                f"{dtype}: {tokens:,} tokens, {tokens / both:,.0f} tokens/s with clouds, "
                f"{tokens / alone:,.0f} without; {spent / both / 1e12:.2f} TFLOP/s of "
                f"{best / 1e12:.2f}: {spent / both / best:.0%}"
            )
            del model, decoder, sampler
            found, other = observed(folder, few, dtype, options.device)
            for pooling in POOLINGS:
                far = apart(found.arrays[pooling], exact.arrays[pooling])
                print(f"  clouds, {pooling}: {far:.1e} from those of the CPU in float32")
            print(f"  NLL: {abs(other / nll - 1):.1e} from the CPU's, relative")


if __name__ == "__main__":
    main()
