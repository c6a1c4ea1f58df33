"""Stage `audit`: are the revisions of a study what they claim to be? Asked of the hub's listings.

The hub lists the SHA-256 of every file, so nothing is downloaded. Weights that are the same at
different steps, shards that are another revision's, steps that a regular grid lacks, and
revisions without weights are findings to look at before any figure. Once a study has run, a
perplexity that leaves its neighbours and comes back is one, too, and so are diagrams that do.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from lmtopo.errors import InputError
from lmtopo.files import atomic
from lmtopo.formats.checkpoints import weights_among
from lmtopo.job import say
from lmtopo.tables import write_csv

COLUMNS = ("model", "finding", "checkpoints", "detail")
AT_ONCE = 4
JUMP = 8.0
"""Spreads (median absolute deviations) by which a jump exceeds what the run's others do."""
FAR = 1.5
"""How many times as far as usual diagrams must be from those of both neighbours. In the default
study, whose files are right, it is 1.06 at most; files of steps far away give 1.5 to 20."""

Finding = dict[str, str]
Shards = Mapping[str, str]
"""A revision's weight files -> hash."""


def audit(
    *,
    models: Sequence[tuple[str, str, Sequence[tuple[int, str]]]],
    quality: str,
    distances: str,
    report: str,
    patience: float,
) -> None:
    """Write the CSV file ``report``: a row for each finding.

    ``models``: name, repository, and (step, revision) of its checkpoints. ``quality``
    and ``distances`` are the study's tables, which need not exist yet.
    """
    findings: list[Finding] = []
    for model, repo, revisions in models:
        listed: dict[int, Shards] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda one, repo=repo: shards(repo, one[1], patience), revisions)
            for number, ((step, name), answer) in enumerate(zip(revisions, found, strict=True), 1):
                if isinstance(answer, str):
                    findings.append(finding(model, "not readable", [step], f"{name}: {answer}"))
                else:
                    listed[step] = answer
                if number % 50 == 0:
                    say(f"audit: {repo}, {number} of {len(revisions)} revisions")
        findings += [
            *same_weights(model, listed),
            *mixed_shards(model, listed),
            *missing_steps(model, [step for step, _ in revisions]),
        ]
    if Path(quality).is_file():
        findings += jumps(pd.read_parquet(quality))
    if Path(distances).is_file():
        findings += far_from_neighbours(pd.read_parquet(distances))
    frame = pd.DataFrame(findings, columns=list(COLUMNS))
    with atomic(report) as temporary:
        write_csv(temporary, frame)
    counts = Counter(frame["finding"])
    told = ", ".join(f"{count} x {name}" for name, count in counts.items()) or "nothing to report"
    say(f"audit of {sum(len(one[2]) for one in models)} revisions: {told}; see {report}")
    for row in findings[:20]:
        say(f"  {row['model']}: {row['finding']}: {row['checkpoints']} ({row['detail']})")


def shards(repo: str, revision: str, patience: float) -> dict[str, str] | str:
    """The weight files of a revision with their hashes, or why there are none."""
    from lmtopo.hub.snapshot import listing

    try:
        files = listing(repo, revision, patience=patience)
    except InputError as error:
        return str(error)
    found = {name: str(files[name].sha256 or files[name].blob) for name in weights_among(files)}
    return found or "it has no weights"


def same_weights(model: str, listed: Mapping[int, Shards]) -> Iterator[Finding]:
    """Groups of steps whose weights are equal in every file."""
    groups = defaultdict(list)
    for step, files in listed.items():
        groups[tuple(sorted(files.values()))].append(step)
    for steps in groups.values():
        if len(steps) > 1:
            yield finding(model, "same weights", steps, "equal SHA-256 in every file")


def mixed_shards(model: str, listed: Mapping[int, Shards]) -> Iterator[Finding]:
    """Pairs of steps that share some of their shards, not all: a mix of two checkpoints."""
    owners = defaultdict(set)
    for step, files in listed.items():
        for value in files.values():
            owners[value].add(step)
    shared = {tuple(sorted(steps)) for steps in owners.values() if len(steps) > 1}
    for steps in sorted(shared):
        hashes = [set(listed[step].values()) for step in steps]
        if any(one != hashes[0] for one in hashes):
            common = len(set.intersection(*hashes))
            detail = f"{common} of {len(hashes[0])} files are equal"
            yield finding(model, "mixed shards", list(steps), detail)


def missing_steps(model: str, steps: Sequence[int]) -> Iterator[Finding]:
    """Steps that a run's regular grid lacks: its distances are mostly one number, and some are
    multiples of it."""
    ordered = sorted(steps)
    distances = [after - before for before, after in pairwise(ordered)]
    if len(distances) < 8:
        return
    usual, count = Counter(distances).most_common(1)[0]
    if count < len(distances) / 2:
        return
    for before, distance in zip(ordered, distances, strict=False):
        if distance > usual:
            lacking = max(1, distance // usual - 1)
            detail = f"{lacking} missing between them, by the usual distance of {usual}"
            yield finding(model, "missing steps", [before, before + distance], detail)


def jumps(quality: pd.DataFrame) -> Iterator[Finding]:
    """Checkpoints whose log perplexity lies off the line between its neighbours, on one side of
    both, by more than `JUMP` times what is usual in the run."""
    keys = ["model", "budget", "dataset", "reading"]
    for (model, budget, dataset, _), rows in quality.groupby(keys, sort=False):
        ordered = rows.sort_values("step")
        steps, loss = ordered["step"].to_numpy(), np.log(ordered["perplexity"].to_numpy())
        if len(steps) < 8:
            continue
        before, here, after = loss[:-2], loss[1:-1], loss[2:]
        off = here - (before + after) / 2
        outside = (here > np.maximum(before, after)) | (here < np.minimum(before, after))
        size = np.abs(off)
        spread = max(float(np.median(size)), 1e-3)
        # the neighbours of a jump are off as well, by half of it
        beside = np.maximum(np.append(size[1:], 0.0), np.insert(size[:-1], 0, 0.0))
        for place in np.flatnonzero(outside & (size > JUMP * spread) & (size >= beside)):
            detail = f"{dataset}: log perplexity {off[place]:+.2f} off its neighbours ({budget})"
            yield finding(str(model), "jump", [int(steps[place + 1])], detail)


def far_from_neighbours(distances: pd.DataFrame) -> Iterator[Finding]:
    """Checkpoints whose diagrams are farther from those of both neighbours than any two of the two
    neighbours before and the two after are from each other, `FAR` times in half of all layers,
    poolings and dimensions (Wasserstein-1)."""
    chosen = (distances["relation"] == "consecutive") & (distances["distance"] == "wasserstein_1")
    rows = distances[chosen & (distances["replicate"] == 0)]
    for (model, budget, dataset), run in rows.groupby(["model", "budget", "dataset"], sort=False):
        series = run.pivot(
            index=["step", "other_step"], columns=["layer", "pooling", "dimension"], values="value"
        ).sort_index()
        gaps = np.maximum(series.to_numpy(), np.finfo(np.float64).tiny)
        if len(gaps) < 7:
            continue
        ends = np.array(list(series.index), dtype=np.float64)
        # where checkpoints lie farther apart, diagrams do; by steps, or by their logarithms
        apart = [np.ones(len(gaps)), np.ptp(ends, axis=1), np.ptp(np.log1p(ends), axis=1)]
        for place in range(1, len(gaps)):
            beside = [*range(max(0, place - 3), place - 1), *range(place + 1, place + 3)]
            beside = [one for one in beside if one < len(gaps)]
            times = min(
                float(
                    np.median(
                        (gaps / size[:, None])[place - 1 : place + 1].min(axis=0)
                        / (gaps / size[:, None])[beside].max(axis=0)
                    )
                )
                for size in apart
            )
            if times > FAR:
                detail = (
                    f"{dataset}: diagrams {times:.1f} times as far from both neighbours as usual"
                )
                step = int(series.index[place][0])
                yield finding(str(model), "jump", [step], f"{detail} ({budget})")


def finding(model: str, what: str, steps: Iterable[int], detail: str) -> Finding:
    told = " ".join(f"step{step}" for step in sorted(steps))
    return {"model": model, "finding": what, "checkpoints": told, "detail": detail}
