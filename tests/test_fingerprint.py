from pathlib import Path

import pytest

from lmtopo import fingerprint as module
from lmtopo.fingerprint import digest, fingerprint


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    files = {
        "one.py": "from lmtopo.shared import helper\n\ndef one():\n    return helper()\n",
        "two.py": "def two():\n    from lmtopo import shared\n    return shared.helper()\n",
        "three.py": "def three():\n    return 3\n",
        "shared.py": "def helper():\n    return 1\n",
        "typed.py": (
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from lmtopo.shared import helper\n"
        ),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def all_of(names: str = "one two three typed") -> dict[str, str]:
    fingerprint.cache_clear()
    digest.cache_clear()
    return {name: fingerprint(name) for name in names.split()}


def changed(library: Path, name: str, text: str) -> set[str]:
    before = all_of()
    (library / name).write_text(text)
    after = all_of()
    return {stage for stage in before if before[stage] != after[stage]}


def test_an_edit_changes_the_stages_that_import_it(library: Path) -> None:
    assert changed(library, "shared.py", "def helper():\n    return 2\n") == {"one", "two"}


def test_comments_layout_and_docstrings_change_nothing(library: Path) -> None:
    text = '"""New."""\n\ndef helper():  # why\n    """Newer."""\n\n    return 1\n'
    assert changed(library, "shared.py", text) == set()


def test_a_stage_of_its_own_changes_itself_alone(library: Path) -> None:
    assert changed(library, "three.py", "def three():\n    return 4\n") == {"three"}


@pytest.mark.slow
def test_real_stages_do_not_depend_on_the_study_nor_on_later_stages() -> None:
    all_of("dataset")
    stages = ("dataset", "tokenizer", "train", "probe", "observe", "persist", "describe")
    for stage in (*stages, "downstream", "d90", "external"):
        imports = closure(stage)
        assert not {name for name in imports if name.split(".")[0] == "study"}, stage
        assert "draw" not in imports
    assert not any(name.startswith("signatures") for name in closure("observe"))
    for stage in ("observe", "downstream", "d90"):
        assert not any("generated" in name for name in closure(stage))


def closure(stage: str) -> set[str]:
    seen: set[str] = set()
    waiting = [stage]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += digest(name)[1]
    return seen


def test_data_of_a_package_counts(library: Path) -> None:
    (library / "three.py").unlink()
    (library / "three").mkdir()
    (library / "three/__init__.py").write_text("def three():\n    return 3\n")
    (library / "three/style.css").write_text("body { color: black }")
    assert changed(library, "three/style.css", "body { color: blue }") == {"three"}
