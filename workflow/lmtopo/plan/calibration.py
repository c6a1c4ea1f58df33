"""How fast this machine is at what a study does: measured once and kept."""

import json
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from lmtopo.files import read_json, write_json
from lmtopo.fingerprint import fingerprint

KEPT = Path(".lmtopo/calibration.json")
SECONDS = 1.0
SIZE = 512
"""Of the matrices; some CPUs take seconds for a larger product in half precision."""


def flops_rate(dtype: str, threads: int) -> float:
    """FLOP/s of matrix products in a dtype."""

    def measure() -> list[float]:
        import torch

        torch.set_num_threads(threads)
        kind = getattr(torch, dtype)
        generator = torch.Generator().manual_seed(0)
        a, b = (torch.randn(SIZE, SIZE, generator=generator).to(kind) for _ in range(2))
        count, spent = 0, 0.0
        a @ b
        began = time.perf_counter()
        while spent < SECONDS:
            a @ b
            count += 1
            spent = time.perf_counter() - began
        return [2 * SIZE**3 * count / spent]

    return remembered(f"products {dtype} {threads}", measure)[0]


def cloud_seconds(
    *,
    points: int,
    width: int,
    metric: str,
    max_dimension: int,
    signatures: Sequence[str] | None,
) -> tuple[float, float]:
    """Seconds of `persist` and of `describe` for one cloud, on Gaussian points."""

    def measure() -> list[float]:
        import math

        import numpy as np

        from lmtopo.seeds import generator
        from lmtopo.signatures import chosen
        from lmtopo.signatures.cloud import Cloud
        from lmtopo.vietoris_rips import distances, enclosing_radius, rips

        cloud = generator(0, "calibration").standard_normal((points, width)).astype(np.float32)
        kinds = chosen(signatures)
        best = [math.inf, math.inf]
        for _ in range(3):
            began = time.perf_counter()
            d = distances(cloud, metric)
            found = rips(d, metric="precomputed", max_dimension=max_dimension)
            middle = time.perf_counter()
            radius = enclosing_radius(d)
            bars = [one[np.isfinite(one[:, 1])] for one in found]
            sample = Cloud(cloud, metric)
            for kind in kinds:
                kind.values(bars, radius, sample)
            end = time.perf_counter()
            best = [min(best[0], middle - began), min(best[1], end - middle)]
        return best

    code = fingerprint("persist") + fingerprint("describe")
    names = "all" if signatures is None else ",".join(signatures)
    key = f"cloud {points} {width} {metric} H{max_dimension} {names} {code}"
    persist, describe = remembered(key, measure)
    return persist, describe


def probe_seconds(*, pairs: int, width: int) -> float:
    """Seconds of a probe of `downstream`, on Gaussian states; correlated ones take longer."""
    rows, features = 1000, 256

    def measure() -> list[float]:
        from threadpoolctl import threadpool_limits

        from lmtopo.downstream.classifier import learn
        from lmtopo.seeds import generator

        random = generator(0, "calibration")
        states, labels = random.standard_normal((rows, features)), random.integers(0, 2, rows)
        with threadpool_limits(1):
            learn(states[:100], labels[:100], states[:9])
            began = time.perf_counter()
            learn(states, labels, states[:9])
            return [time.perf_counter() - began]

    spent = remembered(f"probe {fingerprint('downstream')}", measure)[0]
    return spent * pairs * 2 * width / (rows * features)


def distance_seconds(*, points: int, width: int, metric: str, max_dimension: int) -> float:
    """Seconds of `compare` for one pair of clouds, on Gaussian points that moved a little."""

    def measure() -> list[float]:
        from lmtopo.compare import DISTANCES
        from lmtopo.diagram_distances import finite
        from lmtopo.seeds import generator
        from lmtopo.vietoris_rips import rips

        random = generator(0, "calibration")
        cloud, moved = random.standard_normal((2, points, width))
        ours, theirs = (
            rips(x, metric=metric, max_dimension=max_dimension) for x in (cloud, cloud + moved / 2)
        )
        pairs = [(finite(a), finite(b)) for a, b in zip(ours, theirs, strict=True)]

        def once() -> float:
            began = time.perf_counter()
            for a, b in pairs:
                for distance in DISTANCES.values():
                    distance(a, b)
            return time.perf_counter() - began

        return [min(once() for _ in range(3))]

    key = f"distances {points} {width} {metric} H{max_dimension} {fingerprint('compare')}"
    return remembered(key, measure)[0]


def remembered(key: str, measure: Callable[[], list[float]]) -> list[float]:
    """What was measured before on this machine, or is now."""
    key = f"{processor()} {key}"
    known = kept()
    if key not in known:
        known[key] = measure()
        write_json(KEPT, known)
    return known[key]


@cache
def kept() -> dict[str, list[float]]:
    with suppress(OSError, json.JSONDecodeError):
        return dict(read_json(KEPT))
    return {}


@cache
def processor() -> str:
    """The CPU's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
