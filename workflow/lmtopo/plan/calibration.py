"""How fast this machine is at what a study does: measured once and kept."""

import json
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from lmtopo.files import read_json, write_json
from lmtopo.fingerprint import fingerprint

KEPT = Path(".lmtopo/calibration.json")
WINDOWS = 5
SECONDS = 0.2
"""Of a window; a busy machine disturbs some of several short ones."""
PATIENCE = 5.0
"""Seconds of a measurement, after which no other window begins."""
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
        return [2 * SIZE**3 / least(lambda: a @ b, threads)]

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
        import numpy as np

        from lmtopo.seeds import generator
        from lmtopo.signatures import chosen
        from lmtopo.signatures.cloud import Cloud
        from lmtopo.vietoris_rips import distances, enclosing_radius, rips

        cloud = generator(0, "calibration").standard_normal((points, width)).astype(np.float32)
        kinds = chosen(signatures)

        def persist() -> list[np.ndarray]:
            d = distances(cloud, metric)
            return rips(d, metric="precomputed", max_dimension=max_dimension)

        radius = enclosing_radius(distances(cloud, metric))
        bars = [one[np.isfinite(one[:, 1])] for one in persist()]

        def describe() -> None:
            sample = Cloud(cloud, metric)
            for kind in kinds:
                kind.values(bars, radius, sample)

        return [least(persist), least(describe)]

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
            return [least(lambda: learn(states, labels, states[:9]))]

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

        def compare() -> None:
            for a, b in pairs:
                for distance in DISTANCES.values():
                    distance(a, b)

        return [least(compare)]

    key = f"distances {points} {width} {metric} H{max_dimension} {fingerprint('compare')}"
    return remembered(key, measure)[0]


def least(work: Callable[[], object], threads: int = 1) -> float:
    """Seconds of a call, in the fastest of several short windows. Of one thread they are CPU time,
    in which the time that a busy machine gives to others does not count."""
    clock = time.process_time if threads == 1 else time.perf_counter
    work()  # what is compiled or loaded at first is no part of the rate
    best, end = float("inf"), time.monotonic() + PATIENCE
    for window in range(WINDOWS):
        if window and time.monotonic() > end:
            break
        calls, spent, began = 0, 0.0, clock()
        while spent < SECONDS:
            work()
            calls += 1
            spent = clock() - began
        best = min(best, spent / calls)
    return best


def remembered(key: str, measure: Callable[[], list[float]]) -> list[float]:
    """What was measured before on this machine, or is now."""
    known = kept()
    if key not in known:
        known[key] = {"measured": date.today().isoformat(), "values": measure()}
        write_json(KEPT, {**everywhere(), processor(): known})
    values: list[float] = known[key]["values"]
    return values


def told() -> str:
    """When this machine was calibrated, and how that is done again."""
    days = sorted({one["measured"] for one in kept().values()})
    when = " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "never"
    return f"Calibrated: {when} ({KEPT}: delete it to measure this machine again)."


@cache
def kept() -> dict[str, Any]:
    """What was measured on this machine."""
    return dict(everywhere().get(processor(), {}))


def everywhere() -> dict[str, Any]:
    """What was measured on all machines that have used this folder."""
    with suppress(OSError, json.JSONDecodeError):
        found = dict(read_json(KEPT))
        return {name: known for name, known in found.items() if isinstance(known, dict)}
    return {}


@cache
def processor() -> str:
    """The CPU's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
