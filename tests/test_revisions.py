"""Which revisions a study gets, and when the hub is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standin import Fault

from lmtopo import revisions
from lmtopo.errors import InputError
from lmtopo.files import read_json

PYTHIA, OLMO = "EleutherAI/pythia-70m", "allenai/OLMo-1B-hf"
LOG = [0, *(2**power for power in range(10)), *(1000 * 2**power for power in range(7)), 143_000]


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    revisions.listed.cache_clear()
    yield
    revisions.listed.cache_clear()


def steps(wanted: Any, repo: str = PYTHIA, step: int | None = None) -> list[int]:
    return [one.step for one in revisions.choose(repo, wanted, step=step, patience=2.0)]


def asked(hub: Any) -> list[str]:
    """Requests for a repository; the library has one of its own, once a process."""
    return [line for line in hub.requests if "/api/models/" in line]


def keep(repo: str, names: list[str]) -> None:
    path = revisions.KEPT / f"{repo}.json"
    path.parent.mkdir(parents=True)
    revisions.write_json(path, {"repo": repo, "revisions": names})


def test_the_shipped_list_of_pythia_is_whole() -> None:
    names = revisions.known(PYTHIA)
    assert names is not None
    assert len(names) == 155
    assert "main" in names
    assert steps("all") == [0, *(2**power for power in range(10)), *range(1000, 143_001, 1000)]


def test_every_shipped_list_has_its_steps_once() -> None:
    paths = sorted(revisions.SHIPPED.rglob("*.json"))
    assert paths
    for path in paths:
        repo = str(path.relative_to(revisions.SHIPPED).with_suffix(""))
        assert read_json(path)["repo"] == repo
        assert len(steps("all", repo)) >= 150


def test_log_gives_nineteen_of_pythia() -> None:
    assert len(LOG) == 19
    assert steps("log") == LOG


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ([], []),
        ([7], [7]),
        ([5, 6], [5, 6]),
        ([0, 10, 20, 30, 40, 50], [0, 10, 20, 40, 50]),
        ([1, 2, 4, 8, 9], [1, 2, 4, 9]),
    ],
)
def test_log_spaced_steps_double_and_keep_the_ends(there: list[int], chosen: list[int]) -> None:
    found = revisions.log_spaced(there)
    assert found[:1] == there[:1]
    assert found[-1:] == there[-1:]
    assert set(found) <= set(there)
    if there != [0, 10, 20, 30, 40, 50]:
        assert found == chosen


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"to": 4}, [0, 1, 2, 4]),
        ({"from": 141_500}, [142_000, 143_000]),
        ({"from": 512, "to": 2000}, [512, 1000, 2000]),
        ({"every": 50_000}, [0, 50_000, 100_000]),
        ({"match": "step14*", "from": 14}, [14_000, *range(140_000, 143_001, 1000)]),
        (["step512", "step0"], [0, 512]),
        ({"to": 0}, [0]),
    ],
)
def test_a_range_a_rhythm_a_pattern_or_names_choose(wanted: Any, expected: list[int]) -> None:
    assert steps(wanted) == expected


def test_tokens_stand_in_the_names() -> None:
    keep(OLMO, ["main", "step1000-tokens4B", "step2000-tokens8B"])
    found = revisions.choose(OLMO, "all", step=None, patience=2.0)
    assert [(one.name, one.step, one.tokens) for one in found] == [
        ("step1000-tokens4B", 1000, 4e9),
        ("step2000-tokens8B", 2000, 8e9),
    ]


def test_a_single_revision_may_be_given_its_step() -> None:
    assert steps(["main"], step=143_000) == [143_000]
    with pytest.raises(InputError, match="'main' names no step"):
        steps(["main"])
    assert steps(["step0"], step=143_000) == [143_000]
    for wanted, what in ((["main", "step0"], "a list of 2"), ("all", "all")):
        with pytest.raises(InputError, match=f"step is 5, .* revisions is {what}: leave step out"):
            steps(wanted, step=5)


@pytest.mark.parametrize("text", ['{"revisions": ["step', "[]", '{"repo": 1}', '{"revisions": 3}'])
def test_a_damaged_list_is_named(text: str) -> None:
    keep(PYTHIA, [])
    path = revisions.KEPT / f"{PYTHIA}.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"'{path}' is no list of revisions: remove it"):
        steps("all")


def test_a_commit_is_in_no_list_and_need_not_be() -> None:
    assert steps([20 * "a1"], step=7) == [7]
    assert steps(["refs/pr/3"], step=7) == [7]


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"no revision 'step1430000' \(did you mean 'step143000'"):
        steps(["step1430000"])
    with pytest.raises(InputError, match=r"no revision 'zzz' \(it has .* \.\.\.\)"):
        steps(["zzz"])


def test_nothing_chosen_is_an_error() -> None:
    with pytest.raises(InputError, match=f"chooses none of the 155 revisions of '{PYTHIA}'"):
        steps({"from": 200_000})
    with pytest.raises(InputError, match="chooses none"):
        steps({"match": "stage*"})


def test_two_revisions_of_one_step_are_an_error() -> None:
    keep("me/stages", ["stage1-step10", "stage2-step10"])
    with pytest.raises(InputError, match=r"'stage1-step10' and 'stage2-step10' .* both step 10"):
        steps("all", "me/stages")
    assert steps({"match": "stage1-*"}, "me/stages") == [10]
    with pytest.raises(InputError, match="both step 10: name one of them"):
        steps(["stage1-step10", "stage2-step10"], "me/stages")
    with pytest.raises(InputError, match="names 'step1' of 'EleutherAI/pythia-70m' twice"):
        steps(["step1", "step1"])


def test_a_list_beside_the_study_comes_first() -> None:
    keep(PYTHIA, ["main", "step7"])
    assert steps("all") == [7]


def test_a_list_that_is_not_shipped_is_asked_for_once_and_kept(hub: Any) -> None:
    assert steps("all", OLMO) == [1000, 2000]
    assert asked(hub) == [f"GET /api/models/{OLMO}/refs"]
    kept = read_json(revisions.KEPT / f"{OLMO}.json")
    assert kept == {"repo": OLMO, "revisions": ["step1000-tokens4B", "step2000-tokens8B", "main"]}
    assert steps("log", OLMO) == [1000, 2000]
    revisions.listed.cache_clear()
    assert steps("all", OLMO) == [1000, 2000]
    assert len(asked(hub)) == 1


def test_a_shipped_list_and_names_need_no_request(hub: Any) -> None:
    steps("all")
    assert steps(["step1000-tokens4B"], OLMO) == [1000]
    assert not asked(hub)


def test_the_stage_asks_anew(hub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    revisions.revisions(repos=[PYTHIA], patience=2.0)
    assert len(asked(hub)) == 1
    assert "5 revisions, steps 0 to 512" in capfd.readouterr().err
    assert steps("all") == [0, 1, 2, 512]


def test_without_a_network_the_error_is_clear(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    hub.faults.append(Fault("refs", "drop"))
    message = rf"repository '{OLMO}': no success in 0 s .*once.*revisions: \[\.\.\.\]$"
    with pytest.raises(InputError, match=message):
        revisions.choose(OLMO, "all", step=None, patience=0.1)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    with pytest.raises(InputError, match=r"HF_HUB_OFFLINE forbids to ask.*revisions: \[\.\.\.\]"):
        steps("all", OLMO)
    assert not asked(hub)
    assert not revisions.KEPT.exists()


def test_a_repository_that_is_not_there_is_told(hub: Any) -> None:
    with pytest.raises(InputError, match="'me/nothing' is not on the hub"):
        steps("all", "me/nothing")


def test_a_hub_that_does_not_answer_is_waited_for_once_a_study(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.hub import calls
    from lmtopo.study import read

    monkeypatch.setattr(calls.time, "sleep", lambda seconds: None)
    hub.faults.append(Fault("refs", 503))
    raw = {
        "study": "mine",
        "datasets": {"stories": {"source": "generated", "kind": "stories"}},
        "models": {
            name: {"source": "hub", "repo": f"me/{name}", "revisions": "all"}
            for name in ("one", "two", "three")
        },
        "evaluate": ["stories"],
        "hub": {"patience": 1},
    }
    with pytest.raises(InputError, match=r"models.three: the revisions of 'me/three' are"):
        read(raw)
    assert {line.split("/")[4] for line in asked(hub)} == {"one"}
