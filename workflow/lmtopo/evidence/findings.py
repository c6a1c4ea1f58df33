"""What a study found, in plain sentences made of its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lmtopo.evidence import verdict
from lmtopo.evidence.redundancy import directions
from lmtopo.evidence.rows import POOLED
from lmtopo.evidence.skill import RUNS_FOR_INTERVAL
from lmtopo.nulls import NULLS, SAME_SPECTRUM

MEANING = {
    verdict.SUPPORTED: "a tie to quality beyond compute, declared beforehand, that holds between "
    "runs at equal compute",
    verdict.EXPLORATORY: "a tie that was not declared beforehand, or that no seeds or budgets "
    "could confirm: a question for the next study",
    verdict.SPECTRAL: "a tie that draws of the null have too",
    verdict.CONFOUNDED: "signature and quality both follow compute, and no tie is left without it",
    verdict.NOISE: "no tie, and no trend either, or smaller than what seed, subsample or dtype do",
    verdict.NOT_IDENTIFIABLE: "nothing is left of quality once compute is known, or the signature "
    "never changes",
    verdict.TOO_FEW: f"under {verdict.CHECKPOINTS} checkpoints a run after step 0",
}

BENDS = ", as has what bends more sharply with compute than the baseline can"
SURE = 1 - 1e-9
"""The strongest correlation that is reckoned with."""
ASKED = {
    "evidence": "Is a signature tied to quality beyond compute?",
    "equal_compute": "At equal compute, do runs that differ in quality differ in shape?",
    "skill": "Does a signature predict the loss to come?",
    "redundancy": "How many different things do the signatures say?",
    "distances": "When does the shape of representations change most?",
}
"""What the figures that go with the text ask."""


def findings(
    *,
    name: str,
    evidence: pd.DataFrame,
    phases: pd.DataFrame,
    redundancy: pd.DataFrame,
    left_out: int,
    null: str | None,
    notes: Sequence[str],
    figures: Mapping[str, str],
) -> str:
    """The text, in Markdown. Every number is one of the tables', or counts their rows. ``figures``:
    by their names, those to show, as paths from where the text lies."""
    if evidence.empty:
        return (
            f"# What study `{name}` finds\n\n**Nothing can be said: no run has a checkpoint after "
            "step 0.**\n"
        )
    shown = {what: f"![{ask}]({figures[what]})" for what, ask in ASKED.items() if what in figures}
    parts = [
        f"# What study `{name}` finds",
        answer(evidence, null),
        *section("Tests declared beforehand", declared(evidence), shown.get("evidence")),
        *section("How much was tried", tried(evidence)),
        *section("With and without compute", compute(evidence), shown.get("equal_compute")),
        *section("Predicting what comes next", ahead(evidence), shown.get("skill")),
        *section(
            "How many things the signatures say", redundant(redundancy), shown.get("redundancy")
        ),
        *section("Phases of training", changes(phases), shown.get("distances")),
        *section("What is missing", lacks(evidence, left_out, null)),
        *section("How the tables were read", [f"- {note}." for note in notes]),
        "Numbers come from `tables/evidence.csv` (rows `pooled` are over all runs), "
        "`tables/redundancy.csv` and `tables/phases.csv`; `config/README.md` says how they are "
        "made.",
    ]
    return "\n\n".join(parts) + "\n"


def section(title: str, lines: Sequence[str], figure: str | None = None) -> list[str]:
    return [f"## {title}", "\n".join(lines), *([figure] if figure else [])] if lines else []


def pooled(evidence: pd.DataFrame) -> pd.DataFrame:
    return evidence[evidence["model"] == POOLED]


def called(row: "pd.Series[Any]") -> str:
    """A row's signature in words."""
    degree = f"H{row['dimension']} " if row["dimension"] >= 0 else ""
    if degree.strip().lower() in str(row["signature"]).lower().split("_"):
        degree = ""
    place = [str(row[part]) for part in ("layer", "pooling") if row[part] != "-"]
    where = f" ({', '.join(place)})" if place else ""
    dataset = f" on {row['dataset']}" if row["dataset"] != "-" else ""
    return f"{degree}{str(row['signature']).replace('_', ' ')}{where}{dataset}"


def number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:+.2f}"


def answer(evidence: pd.DataFrame, null: str | None) -> str:
    """The first paragraph: does topology add anything here?"""
    over, tests = pooled(evidence), evidence[evidence["primary"]]
    if tests.empty:
        worth = int((over["verdict"] == verdict.EXPLORATORY).sum())
        return (
            "**No test was declared beforehand (`evidence.primary`), so nothing can be "
            f"supported.** {worth} of {len(over)} signatures over all runs are exploratory: "
            "worth declaring in another study."
        )
    # a table from elsewhere may not say which signature is of which dimension
    topological = (tests["dimension"] >= 0) | bool((over["dimension"] < 0).all())
    shape, geometry = tests[topological], tests[~topological]
    held, of_geometry = (one[one["verdict"] == verdict.SUPPORTED] for one in (shape, geometry))
    spectrum = null in SAME_SPECTRUM
    beyond = "compute"
    if tests["has_null"].all():
        beyond += " and the spectrum" if spectrum else " and the null"
    kind = "topological " if len(geometry) else ""
    count = f"{len(shape)} {kind}{'test' if len(shape) == 1 else 'tests'} declared beforehand"
    if shape.empty:
        lead = "**No topological test was declared beforehand, so nothing is said of topology.**"
    elif len(held):
        lead = f"**{len(held)} of {count} {holds(len(held))} beyond {beyond}: {listed(held)}.**"
    elif shape["verdict"].isin([verdict.NOT_IDENTIFIABLE, verdict.TOO_FEW]).all():
        lead = (
            f"**This study cannot say whether topology adds anything to compute.** Of {count}, all "
            "are not identifiable or have too few checkpoints."
        )
        if geometry.empty:
            return lead
    elif (shape["verdict"] == verdict.EXPLORATORY).any():
        lead = "**Whether topology adds anything here is open.**"
    else:
        none = (
            f"none of {count} holds"
            if len(shape) > 1
            else f"the only {kind}test declared beforehand does not hold"
        )
        lead = f"**Topology adds nothing here: {none} beyond {beyond}.**{unseen(shape)}"
    more = [lead]
    if len(geometry):
        told = f": {listed(of_geometry)}" if len(of_geometry) else ""
        more.append(
            f"Of {len(geometry)} test{'' if len(geometry) == 1 else 's'} of geometry "
            f"{len(of_geometry) or 'none'} "
            f"{holds(len(of_geometry) or 1)}{told}."
        )
    for word, what in (
        (verdict.EXPLORATORY, "after compute, but no other seeds or budgets could confirm it"),
        (
            verdict.SPECTRAL,
            "beyond compute, but clouds of the same mean and covariance show it"
            if spectrum
            else "beyond compute, but draws of the null show it",
        ),
    ):
        some = tests[tests["verdict"] == word]
        if len(some):
            more.append(f"There is a tie {what}: {listed(some)}.")
    unclear = int(tests["verdict"].isin([verdict.NOT_IDENTIFIABLE, verdict.TOO_FEW]).sum())
    if unclear:
        more.append(f"{unclear} cannot be answered.")
    return " ".join(more)


def holds(count: int) -> str:
    return "holds" if count == 1 else "hold"


def about(expected: float) -> str:
    """A number of chance findings, to two digits or whole."""
    return f"{expected:.2g}" if expected < 10 else f"{expected:,.0f}"


def listed(rows: pd.DataFrame) -> str:
    return "; ".join(called(row) for _, row in rows.iterrows())


def unseen(tests: pd.DataFrame) -> str:
    """How weak a tie, at best, the least certain of these tests would still have found: of a
    correlation with Fisher's z of 2.8 standard errors four in five are significant."""
    low, high = (np.arctanh(tests[f"partial_{end}"].clip(-SURE, SURE)) for end in ("low", "high"))
    errors = (high - low) / (2 * 1.96)
    if errors.isna().all():
        return ""
    return (
        f" Ties weaker than {np.tanh(2.8 * errors.max()):.2f} (a correlation after compute) could "
        "easily have been missed."
    )


def declared(evidence: pd.DataFrame) -> list[str]:
    tests = evidence[evidence["primary"]]
    if tests.empty:
        return []
    lines = [
        "| signature | target | raw | after compute (95%) | at equal compute | excess over null "
        "| q | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, row in tests.iterrows():
        interval = f"{number(row['partial_low'])} to {number(row['partial_high'])}"
        lines.append(
            f"| {called(row)} | {str(row['target']).replace('_', ' ')} | {number(row['rho'])} "
            f"| {number(row['partial'])} ({interval}) | {number(row['equal_compute'])} "
            f"| {number(row['excess'])} | {row['q']:.2g} | {row['verdict']} |"
        )
    return lines


def tried(evidence: pd.DataFrame) -> list[str]:
    over = pooled(evidence)
    counts = over["verdict"].value_counts()
    single = len(evidence) - len(over)
    possible = over[over["p"].notna()]
    low = int((possible["p"] <= verdict.ALPHA).sum())
    lines = [
        f"{len(over)} {'signature was' if len(over) == 1 else 'signatures were'} tested over all "
        f"runs ({int(over['primary'].sum())} of them "
        f"declared beforehand), and {single} times in single runs. Of the {len(possible)} pooled "
        f"rows with a p-value, {low} are below {verdict.ALPHA} after compute; chance alone makes "
        f"about {about(verdict.ALPHA * len(possible))} so.",
        "",
    ]
    lines += [
        f"- {counts[name]} {name}: {meaning}" for name, meaning in MEANING.items() if name in counts
    ]
    return lines


def compute(evidence: pd.DataFrame) -> list[str]:
    over = pooled(evidence)
    over = over[over["rho"].notna() & over["partial"].notna()]
    if over.empty:
        return []
    strong = over[over["rho"].abs() >= 0.5]
    lost = int((strong["partial"].abs() < 0.2).sum())
    lines = [
        f"The median |Spearman correlation| with quality is {over['rho'].abs().median():.2f} raw "
        f"and {over['partial'].abs().median():.2f} once a smooth function of compute is taken out "
        f"of both. Of {len(strong)} signatures with |raw| of at least 0.5, {lost} have less than "
        "0.2 left."
    ]
    top = over.iloc[int(over["rho"].abs().to_numpy().argmax())]
    lines.append(
        f"The strongest raw one is {called(top)}: {number(top['rho'])} raw, "
        f"{number(top['partial'])} after compute ({number(top['partial_low'])} to "
        f"{number(top['partial_high'])}), {top['verdict']}."
    )
    return lines


def ahead(evidence: pd.DataFrame) -> list[str]:
    over = pooled(evidence)
    lines = []
    for horizon in (1, 4):
        column = f"skill_{horizon}"
        known = over[over[column].notna()]
        if known.empty:
            continue
        if known[f"{column}_low"].notna().any():  # with fewer runs the best is the luckiest
            known = known[known[f"{column}_low"].notna()]
        best = known.iloc[int(known[column].to_numpy().argmax())]
        better = int((known[f"{column}_low"] > 0).sum())
        sure = (
            f"{better} of {len(known)} have an interval above 0{BENDS if better else ''}"
            if known[f"{column}_low"].notna().any()
            else f"with fewer than {RUNS_FOR_INTERVAL} runs there are no intervals"
        )
        lines.append(
            f"- {horizon} checkpoint{'s' if horizon > 1 else ''} ahead, in runs left out of "
            f"learning: the median signature changes the squared error of the baseline (compute, "
            f"and the loss so far) by {-100 * known[column].median():+.1f}%; the best of "
            f"{len(known)}, {called(best)}, by {-100 * best[column]:+.1f}%; {sure}."
        )
    return lines


def redundant(table: pd.DataFrame) -> list[str]:
    lines = []
    for (dataset, pooling), rows in table.groupby(["dataset", "pooling"], sort=False):
        where = " ".join(str(part) for part in (dataset, pooling) if part != "-")
        (count, raw), (_, partial) = (directions(rows, name) for name in ("rho", "partial"))
        if count > 1:
            lines.append(
                f"- {where + ': ' if where else ''}{count} signatures point in {raw:.1f} "
                f"independent directions, in {partial:.1f} once compute is taken out."
            )
    return lines


def changes(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    first = table[table["changes"] == 1]
    real = first[first["p"] <= verdict.ALPHA]
    lines = [
        f"In {len(real)} of {len(first)} trajectories (a run at one layer and pooling) a change "
        "point saves more variance than in 95% of null series; chance alone makes about "
        f"{about(verdict.ALPHA * len(first))} so."
    ]
    if len(real):
        steps = real["step"].value_counts()
        lines.append(f"Most often it is at step {steps.index[0]:,} (in {steps.iloc[0]} of these).")
    return lines


def lacks(evidence: pd.DataFrame, left_out: int, null: str | None) -> list[str]:
    over = pooled(evidence)
    lines = []
    if left_out:
        lines.append(
            f"- {left_out} {'pair' if left_out == 1 else 'pairs'} of checkpoint and dataset "
            f"{'is' if left_out == 1 else 'are'} left out (table `missing`)."
        )
    runs = evidence[evidence["model"] != POOLED]
    short = int((runs.groupby(["model", "budget"])["n"].max() < verdict.CHECKPOINTS).sum())
    if short:
        lines.append(
            f"- {short} {'run has' if short == 1 else 'runs have'} fewer than "
            f"{verdict.CHECKPOINTS} checkpoints after step 0."
        )
    if not over["siblings"].any():
        lines.append(
            "- No two runs that differ by seed or budget alone could be compared (each needs "
            f"{verdict.CHECKPOINTS} checkpoints, some at compute that both have spent), so nothing "
            "can be told from compute for sure, and nothing can be supported."
        )
    if null is None:
        lines.append("- No null was drawn: what holds may be the spectrum's and not topology's.")
    elif null not in SAME_SPECTRUM and null in NULLS:
        lines.append(
            f"- The null is `{null}`, which has not the spectrum of the clouds: what holds may be "
            "the spectrum's and not topology's."
        )
    if null is not None and (bare := int((~over["has_null"]).sum())):
        rows = "pooled row has" if bare == 1 else "pooled rows have"
        lines.append(f"- {bare} {rows} no null beside them.")
    if over["runs"].max() < RUNS_FOR_INTERVAL:
        lines.append(
            f"- Skill has no interval below {RUNS_FOR_INTERVAL} runs, and this has "
            f"{over['runs'].max()}."
        )
    if over["noise_ratio"].isna().all():
        lines.append("- How far seed, subsample and dtype move the signatures is not known.")
    return lines or ["- Nothing that the study set out to measure."]
