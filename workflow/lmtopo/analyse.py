"""Stage `analyse`: does topology say anything about quality that compute alone does not?"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lmtopo.blas import one_thread
from lmtopo.errors import InputError
from lmtopo.external import OWN
from lmtopo.files import atomic
from lmtopo.tables import KEYS, read, write_table

if TYPE_CHECKING:
    import pandas as pd

    from lmtopo.evidence.trajectories import Trajectories

PRIMARY = 12
"""Tests that may be declared beforehand."""
TEST = ("dataset", "layer", "pooling", "dimension", "signature", "target")
"""What names a test; it is over all runs."""


def analyse(
    *,
    evidence: str,
    phases: str,
    redundancy: str,
    findings: str,
    name: str,
    primary: Sequence[Any] | None,
    warmup: float,
    draws: int,
    seed: int,
    null: str | None = None,
    quality: str | None = None,
    signatures: str | None = None,
    noise: str | None = None,
    missing: str | None = None,
    downstream: str | None = None,
    external: str | None = None,
    table: str | None = None,
    columns: Mapping[str, Any] | None = None,
    figures: Mapping[str, str] | None = None,
) -> None:
    """Write the tables ``evidence``, ``phases`` and ``redundancy`` (parquet, and CSV beside) and
    the text ``findings``.

    They are made of a study's tables ``quality`` and ``signatures``, and of ``noise``, ``missing``,
    ``downstream`` and ``external`` where it has them: then ``primary`` has up to `PRIMARY` tests,
    each the values of `TEST`, and ``null`` is the null that the excess is over. Or they are made of
    a ``table`` from elsewhere with these ``columns`` (`evidence.outside.read`): then ``primary``
    has the signatures whose tests are declared; None stands for all, if there are no more tests
    than `PRIMARY`.

    ``warmup``: the share of a run's last step after which warm-up is over. ``draws``: null series
    for change points. ``figures``: those that the text shows, by their names, as paths from where
    it lies.

    Raises
    ------
    InputError
        If a table from elsewhere cannot be read or has no run after step 0, or a primary test is of
        nothing that was measured.
    """
    import pandas as pd
    import scipy.linalg  # noqa: F401  it brings a BLAS of its own

    from lmtopo.evidence import findings as text
    from lmtopo.evidence import phases as change_points
    from lmtopo.evidence import redundancy as alike
    from lmtopo.evidence import rows

    if table is not None:
        read_in = of_table(table, columns or {}, primary)
    else:
        read_in = of_study(str(quality), str(signatures), downstream, external, null, primary or ())
    series = read_in.series
    with one_thread():
        parts = [part for one in series for part in rows.rows(one, warmup)]
        if not parts and table is not None:
            raise InputError(
                f"table '{table}' has nothing to analyse: no run has a checkpoint after step 0 "
                "with a value of quality and of a signature"
            )
        frame = pd.concat(parts, ignore_index=True) if parts else typed([], rows.COLUMNS)
        tests = declared(frame, read_in.primary)
        judged = rows.judged(frame, tests, None if noise is None else read(noise))
        first = [one for one in series if one.target == series[0].target]
        changes = [row for one in first for row in change_points.phases(one, draws, seed)]
        pairs = [row for one in first for row in alike.redundancy(one)]
    found = {
        "evidence": judged,
        "phases": typed(changes, change_points.COLUMNS),
        "redundancy": typed(pairs, alike.COLUMNS),
    }
    files = {"evidence": evidence, "phases": phases, "redundancy": redundancy}
    for which, frame in found.items():
        write_table(files[which], frame, KEYS[which])
    left_out = 0 if missing is None else len(read(missing))
    with atomic(findings) as temporary:
        temporary.write_text(
            text.findings(
                name=name,
                null=read_in.null,
                left_out=left_out,
                notes=read_in.notes,
                figures=figures or {},
                **found,
            )
        )


class Read(NamedTuple):
    """What is analysed: the runs on each dataset against each target, the tests declared
    beforehand, the null, and what was made of the input, in sentences."""

    series: "list[Trajectories]"
    primary: Sequence[Mapping[str, Any]]
    null: str | None
    notes: Sequence[str]


def of_study(
    quality: str,
    signatures: str,
    downstream: str | None,
    external: str | None,
    null: str | None,
    primary: Sequence[Mapping[str, Any]],
) -> Read:
    import numpy as np

    from lmtopo.evidence.association import FEWEST
    from lmtopo.evidence.trajectories import trajectories

    table, wanted = read(quality), scores(downstream, external)
    series = trajectories(
        table.assign(log_quality=np.log(table["perplexity"])),
        read(signatures),
        target=OWN,
        scores=wanted,
        null=null,
    )
    found = [one for one in series if one.target == OWN or measured(one)]
    asked: list[str] = [] if wanted is None else list(wanted["target"].unique())
    few = [one for one in asked if one not in {other.target for other in found}]
    told = f"scored at fewer than {FEWEST} checkpoints of every run, so no target: {', '.join(few)}"
    return Read(found, primary, null, [told] if few else [])


def measured(one: "Trajectories") -> bool:
    """Whether some run has a score at enough checkpoints to say anything."""
    import numpy as np

    from lmtopo.evidence.association import FEWEST

    counts = [int(np.isfinite(run.y).sum(axis=0).max(initial=0)) for run in one.runs]
    return max(counts, default=0) >= FEWEST


def of_table(table: str, columns: Mapping[str, Any], primary: Sequence[str] | None) -> Read:
    from lmtopo.evidence import outside
    from lmtopo.evidence.trajectories import PLACE, trajectories

    found = outside.read(table, **columns)
    series = list(trajectories(found.quality, found.signatures, target="quality", null=found.null))
    tests: list[dict[str, Any]] = [
        {"dataset": one.dataset, "target": one.target, **dict(zip(PLACE, key, strict=True))}
        for one in series
        for key in one.keys[compared(one)].itertuples(index=False, name=None)
    ]
    notes = list(found.notes)
    names = dict.fromkeys(name for one in series for name in one.keys["signature"])
    tested = {test["signature"] for test in tests}
    if bare := [name for name in names if name not in tested]:
        notes.append(f"without a value beside one of quality after step 0: {', '.join(bare)}")
    if primary is not None:
        if unknown := [one for one in primary if one not in names]:
            raise InputError(
                f"table '{table}' has no signature '{unknown[0]}' (it has: {', '.join(names)})"
            )
        if empty := [one for one in primary if one in bare]:
            raise InputError(
                f"table '{table}': signature '{empty[0]}' is primary, but has no value beside one "
                "of quality after step 0"
            )
        tests = [test for test in tests if test["signature"] in primary]
    elif len(tests) > PRIMARY:
        notes.append(
            f"there are {len(tests)} tests over all runs and none was declared beforehand: name "
            f"up to {PRIMARY} with --config 'table={{file: {table}, primary: [SIGNATURE, ...]}}'"
        )
        tests = []
    if len(tests) > PRIMARY:
        raise InputError(
            f"table '{table}': the signatures named primary make {len(tests)} tests over all runs "
            f"(layers, poolings and datasets count); at most {PRIMARY} can be declared"
        )
    return Read(series, tests, found.null, notes)


def compared(one: "Trajectories") -> Any:
    """Which signatures some run has a value of where it has one of the target."""
    import numpy as np

    known = [(np.isfinite(run.x) & np.isfinite(run.y)).any(axis=0) for run in one.runs]
    return np.any(known, axis=0) if known else np.zeros(len(one.keys), dtype=bool)


def typed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def declared(frame: "pd.DataFrame", primary: Sequence[Mapping[str, Any]]) -> Any:
    """Which rows are primary: those over all runs of these tests."""
    import numpy as np

    from lmtopo.evidence.rows import POOLED

    found = np.zeros(len(frame), dtype=bool)
    for test in primary:
        rows = frame["model"] == POOLED
        for part in TEST:
            rows &= frame[part] == test[part]
        if not rows.any():
            told = ", ".join(f"{part} {test[part]}" for part in TEST)
            raise InputError(
                f"evidence.primary: no run has enough values of {told}: correct it or leave it out"
            )
        found |= rows.to_numpy()
    return found


def scores(downstream: str | None, external: str | None) -> "pd.DataFrame | None":
    """What else the checkpoints scored, as `evidence.trajectories` takes it: targets ``TASK
    METRIC`` of the table `downstream`, and the metrics of `external`; perplexities in logs."""
    import numpy as np
    import pandas as pd

    from lmtopo.evidence.outside import is_perplexity
    from lmtopo.evidence.trajectories import NOWHERE

    parts = []
    if downstream is not None:
        frame = read(downstream)
        parts.append(frame.assign(target=frame["task"] + " " + frame["metric"]))
    if external is not None:
        frame = read(external)
        parts.append(frame.assign(target=frame["metric"], layer=NOWHERE, pooling=NOWHERE))
    if not parts:
        return None
    found = pd.concat(parts, ignore_index=True)
    logged = found["target"].map(is_perplexity).astype("bool")
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(found["value"].where(found["value"] > 0))
    return found.assign(value=found["value"].where(~logged, logs))
