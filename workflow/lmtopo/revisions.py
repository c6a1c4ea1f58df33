"""Lists of a repository's revisions, kept on disk so that a study is known without the network.

A list is a file ``resources/revisions/{owner}/{name}.json``: the one beside the study first, then
the one that comes with lmtopo. What is in neither is asked of the hub once and kept beside the
study.
"""

import fnmatch
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError
from lmtopo.files import read_json, write_json
from lmtopo.formats.checkpoints import step_and_tokens
from lmtopo.job import say

KEPT = Path("resources/revisions")
UNLISTED = re.compile(r"[0-9a-f]{40}$|refs/")
"""Revisions that no list has: commits, and the hub's own references."""
SHIPPED = Path(__file__).parents[2] / "resources/revisions"
MEND = (
    "its revisions are asked of the hub once, so run this again with a network; or list them "
    "with revisions: [...]"
)


@dataclass(frozen=True)
class Revision:
    """A revision that is a checkpoint: its name, step, and tokens (None: unknown)."""

    name: str
    step: int
    tokens: float | None


def known(repo: str) -> list[str] | None:
    """Names of a repository's revisions as kept; None if there is no list.

    Raises
    ------
    InputError
        If the list cannot be read.
    """
    for base in (KEPT, SHIPPED):
        path = base / f"{repo}.json"
        if path.is_file():
            try:
                return [str(name) for name in read_json(path)["revisions"]]
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"'{path}' is no list of revisions: remove it, and the next run asks the hub"
                ) from None
    return None


@cache
def listed(repo: str, patience: float | None) -> list[str]:
    """Names of a repository's revisions: as kept, or asked of the hub now and kept."""
    found = known(repo)
    if found is not None:
        return found
    if patience is None:
        raise InputError(f"the revisions of '{repo}' are not known here either: {MEND}")
    return refresh(repo, patience)


def refresh(repo: str, patience: float) -> list[str]:
    """Ask the hub for a repository's revisions, in one request, and keep them."""
    from huggingface_hub import HfApi, constants

    from lmtopo.hub.calls import an_answer, patiently

    if constants.is_offline_mode():
        raise InputError(
            f"the revisions of '{repo}' are not known here, and HF_HUB_OFFLINE forbids to ask: "
            f"run `snakemake revisions` with a network, or list them with revisions: [...]"
        )

    def ask() -> list[str]:
        with an_answer():
            refs = HfApi().list_repo_refs(repo)
            found = [*refs.branches, *refs.tags]
            # each is named twice; a list that is kept must not be a spoilt one
            if spoilt := [ref.name for ref in found if not ref.ref.endswith(ref.name)]:
                raise ValueError(spoilt[0])
            return [ref.name for ref in found]

    asked = patiently(ask, what=f"repository '{repo}'", patience=patience, mend=MEND)
    names = list(dict.fromkeys(asked))
    names.sort(key=in_order)
    write_json(KEPT / f"{repo}.json", {"repo": repo, "revisions": names})
    return names


def in_order(name: str) -> tuple[float, str]:
    step, _ = step_and_tokens(name)
    return (math.inf if step is None else float(step)), name


def revisions(*, repos: Sequence[str], patience: float) -> None:
    """Stage `revisions`: ask for the lists of all ``repos`` anew and say what is in them."""
    for repo in repos:
        names = refresh(repo, patience)
        steps = [step for step, _ in map(step_and_tokens, names) if step is not None]
        told = f", steps {min(steps):,} to {max(steps):,}" if steps else ", none names a step"
        say(f"{repo}: {len(names)} revisions{told}; kept in {KEPT / repo}.json")


def choose(
    repo: str,
    wanted: str | Sequence[str] | Mapping[str, Any],
    *,
    step: int | None,
    patience: float | None,
) -> list[Revision]:
    """The revisions that a study wants, by step.

    ``wanted``: their names; ``all`` that name a step; ``log``, see `log_spaced`; or any of
    ``from``, ``to`` (steps, inclusive), ``every`` (steps that are its multiples) and ``match`` (a
    pattern such as ``stage1-*``). ``step`` is that of a single revision, whatever its name says.
    For ``patience`` seconds the hub is asked for a list that is not known here; None: not at all,
    since it has just not answered.

    Raises
    ------
    InputError
        If a revision is not there, has no step, or two have the same; or ``step`` is given for
        more than one.
    """
    if step is not None and (isinstance(wanted, str | Mapping) or len(wanted) > 1):
        raise InputError(
            f"step is {step}, which is for one revision, but revisions is {told(wanted)}: leave "
            "step out, or name one revision"
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        names = list(wanted)
        kept = known(repo)
        strange = [name for name in names if name not in (kept or []) and not UNLISTED.match(name)]
        if kept is not None and strange:
            raise InputError(unknown(repo, strange[0], kept))
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(f"revisions names '{twice[0]}' of '{repo}' twice: name it once")
        found = [read(name, step) for name in names]
    else:
        known_names = names = listed(repo, patience)
        pattern = wanted.get("match") if isinstance(wanted, Mapping) else None
        if pattern is not None:
            names = fnmatch.filter(names, pattern)
        found = [read(name, None) for name in names if step_and_tokens(name)[0] is not None]
        found.sort(key=lambda revision: revision.step)
        found = list(narrowed(found, wanted))
        if not found:
            raise InputError(
                f"revisions: {wanted} chooses none of the {len(known_names)} revisions of '{repo}' "
                f"({examples(known_names)})"
            )
    check_distinct(found, repo, listed=not isinstance(wanted, str | Mapping))
    return sorted(found, key=lambda revision: revision.step)


def narrowed(found: Sequence[Revision], wanted: str | Mapping[str, Any]) -> Iterable[Revision]:
    if isinstance(wanted, Mapping):
        first, last = wanted.get("from") or 0, wanted.get("to")
        every = wanted.get("every") or 1
        return (
            revision
            for revision in found
            if first <= revision.step <= (math.inf if last is None else last)
            and revision.step % every == 0
        )
    if wanted == "log":
        steps = set(log_spaced([revision.step for revision in found]))
        return (revision for revision in found if revision.step in steps)
    return found


def log_spaced(steps: Sequence[int]) -> list[int]:
    """Of the ``steps`` there are, those that double: the first, then from each the one nearest to
    twice it, and the last; one within a factor of the square root of 2 of the last is left out.

    Pythia's 154 give 19: 0, 1, 2, 4, ..., 512, 1000, 2000, ..., 64000, 143000.
    """
    rest = sorted(set(steps))
    if not rest:
        return []
    chosen, last = [rest[0]], rest[-1]
    while chosen[-1] < last:
        after = [step for step in rest if step > chosen[-1]]
        nearest = min(after, key=lambda step: (abs(step - 2 * chosen[-1]), step))
        chosen.append(nearest)
    while len(chosen) > 2 and chosen[-2] * math.sqrt(2) > last:
        del chosen[-2]
    return chosen


def read(name: str, step: int | None) -> Revision:
    """A revision with its step and tokens, as its name tells them; ``step`` outweighs the name."""
    named, tokens = step_and_tokens(name)
    if step is not None:
        named = step
    if named is None:
        raise InputError(
            f"revision '{name}' names no step: choose others, or give the model this one alone "
            "and its step"
        )
    return Revision(name, named, tokens)


def check_distinct(found: Sequence[Revision], repo: str, *, listed: bool) -> None:
    seen: dict[int, str] = {}
    mend = "name one of them" if listed else "narrow them with revisions: {match: 'PATTERN*'}"
    for revision in found:
        if revision.step in seen:
            raise InputError(
                f"revisions '{seen[revision.step]}' and '{revision.name}' of '{repo}' are both "
                f"step {revision.step}: {mend}"
            )
        seen[revision.step] = revision.name


def told(wanted: str | Sequence[str] | Mapping[str, Any]) -> str:
    """What a study wants, in a few words."""
    if isinstance(wanted, str | Mapping):
        return f"{wanted}"
    return f"a list of {len(wanted)}"


def unknown(repo: str, name: str, kept: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, kept, 1, 0.6)
    hint = f"did you mean '{close[0]}'?" if close else f"it has {examples(kept)}"
    return (
        f"'{repo}' has no revision '{name}' ({hint}); `snakemake revisions` asks the hub anew for "
        "its list"
    )


def examples(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "") if names else "none"
