"""H0 and H1 by edge links against ripser.py, GUDHI and giotto-ph, on the same matrices.

``make benchmark`` runs it. Every engine gets the same float32 matrix of distances, in this one
process and one thread; times are CPU seconds, the least of a few calls. GUDHI is
``gudhi.sklearn.RipsPersistence`` over Z/2 as it comes; giotto-ph takes part where it is installed.
"""

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from lmtopo.formats import clouds  # noqa: E402
from lmtopo.vietoris_rips import distances, enclosing_radius, filtration, rips_many  # noqa: E402

STATES = "results/benchmark/pairs/neox-64/plenty/*/benchmark-stories/clouds.safetensors"
SIZES = (512, 1000, 2000)


def matrices(sizes: tuple[int, ...], states: str) -> Iterator[tuple[str, int, np.ndarray]]:
    draw = np.random.default_rng(0)
    for n in sizes:
        yield "Gaussian, d = 512", n, distances(draw.normal(size=(n, 512)), "euclidean")
    files = sorted(ROOT.glob(states), key=lambda path: int(path.parts[-3].removeprefix("step")))
    if files:
        found = clouds.load(files[-1])
        for layer, cloud in zip(found.layers, found.arrays["token"], strict=True):
            for n in sizes:
                chosen = draw.choice(len(cloud), min(n, len(cloud)), replace=False)
                name = f"hidden states, {layer}, d = {cloud.shape[1]}"
                yield name, len(chosen), distances(cloud[chosen], "euclidean")
    for n in sizes[1:]:
        yield "noisy torus", n, distances(torus(n), "euclidean")


def torus(n: int) -> np.ndarray:
    draw = np.random.default_rng(1)
    a, b = draw.uniform(0, 2 * np.pi, (2, n))
    ring = 2 + np.cos(a)
    x = np.column_stack([ring * np.cos(b), ring * np.sin(b), np.sin(a)])
    return x + 0.05 * draw.normal(size=x.shape)


def engines() -> dict[str, Callable[[np.ndarray], object]]:
    from gudhi.sklearn import RipsPersistence
    from ripser import ripser

    gudhi = RipsPersistence(
        homology_dimensions=[0, 1],
        input_type="full distance matrix",
        homology_coeff_field=2,
        n_jobs=1,
    )
    known: dict[str, Callable[[np.ndarray], object]] = {
        "link": lambda d: filtration(d),
        "ripser": lambda d: ripser(d, maxdim=1, thresh=enclosing_radius(d), distance_matrix=True),
        "gudhi": lambda d: gudhi.fit_transform([d]),
    }
    try:
        from gph import ripser_parallel
    except ImportError:
        return known
    known["giotto-ph"] = lambda d: ripser_parallel(d, maxdim=1, metric="precomputed", n_threads=1)
    return known


def cpu_seconds(call: Callable[[], object], at_most: float = 3.0) -> float:
    """The least of up to five calls, as many as fit the time."""
    best, spent = np.inf, 0.0
    for _ in range(5):
        began = time.process_time()
        call()
        took = time.process_time() - began
        best, spent = min(best, took), spent + took
        if spent > at_most:
            break
    return best


def speed(sizes: tuple[int, ...], states: str) -> None:
    known = engines()
    others = [name for name in known if name != "link"]
    print("\nCPU time of one call; times by which link is faster\n")
    heads = ["cloud", "N", "link", *others, "fastest peer", "link / numpy.sort"]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for name, n, d in matrices(sizes, states):
        for call in known.values():
            call(d[:50, :50].copy())
        spent = {engine: cpu_seconds(partial(call, d)) for engine, call in known.items()}
        edges = d[np.triu_indices(n, 1)]
        sort = cpu_seconds(partial(np.sort, edges))
        ours = spent["link"]
        peers = [f"{spent[engine] / ours:.0f}x" for engine in others]
        fastest = min(spent[engine] for engine in others)
        cells = [name, str(n), f"{1e3 * ours:.2f} ms", *peers, f"{fastest / ours:.0f}x"]
        print("| " + " | ".join([*cells, f"{ours / sort:.1f}"]) + " |", flush=True)


PEAK = """
import resource, sys
import numpy as np
sys.path.insert(0, {library!r})
sys.path.insert(0, {here!r})
import persistence
n = {n}
draw = np.random.default_rng(0)
x = draw.normal(size=(n, 512)) if {cloud!r} == "gaussian" else persistence.torus(n)
call = persistence.engines()[{engine!r}]
d = persistence.distances(x, "euclidean")
call(d[:200, :200].copy())
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
def read(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1])
before = read("VmRSS")
call(d)
print((read("VmHWM") - before) / 1024)
"""


def memory(n: int) -> None:
    print(f"\nPeak memory of a call above what the process held, after a warm call, N = {n}, MB\n")
    names = list(engines())
    print("| cloud | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for cloud in ("gaussian", "noisy torus"):
        rises = []
        for engine in names:
            code = PEAK.format(
                library=str(ROOT / "workflow"),
                here=str(ROOT / "benchmarks"),
                n=n,
                cloud=cloud,
                engine=engine,
            )
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            rises.append(f"{float(done.stdout):.0f}")
        print(f"| {cloud} | " + " | ".join(rises) + " |", flush=True)


def throughput(count: int, n: int) -> None:
    draw = np.random.default_rng(2)
    some = [distances(draw.normal(size=(n, 64)), "euclidean") for _ in range(count)]
    rips_many(some[:4], metric="precomputed", threads=2)
    wall = {}
    for threads in (1, 2):
        took = []
        for _ in range(3):
            began = time.perf_counter()
            rips_many(some, metric="precomputed", threads=threads)
            took.append(time.perf_counter() - began)
        wall[threads] = min(took)
    print(
        f"\n{count} clouds of {n} points: {count / wall[1]:.0f} a second with one thread, "
        f"{wall[1] / wall[2]:.2f} times as many with two (wall time)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--states", default=STATES, help="glob of files of clouds, from the root")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", ".*points coincide")
    speed(tuple(arguments.sizes), arguments.states)
    if sys.platform == "linux":
        memory(max(arguments.sizes))
    throughput(1000, 256)


if __name__ == "__main__":
    main()
