import errno
from pathlib import Path

import pytest

from lmtopo.errors import InputError
from lmtopo.files import atomic, lock, read_json, sha256, write_json
from lmtopo.seeds import generator, seed_of


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.txt"

    def interrupted() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(path.parent.iterdir()) == []
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_rewrite_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", 1)

    def failing() -> None:
        with atomic(tmp_path / "x.json") as temporary:
            temporary.write_text("2")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        failing()
    assert read_json(tmp_path / "x.json") == 1


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    left = atomic(tmp_path / "x.json")
    left.__enter__().write_text("half")  # and never left
    other = atomic(tmp_path / "x.json.other")
    other.__enter__()
    write_json(tmp_path / "x.json", 1)
    names = [path.name for path in tmp_path.iterdir()]
    assert "x.json" in names
    assert [name.startswith(".x.json.other.tmp-") for name in names if name != "x.json"] == [True]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with atomic(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    plain, private = tmp_path / "plain", tmp_path / "private"
    plain.touch()
    private.touch(0o600)
    with atomic(tmp_path / "file") as temporary:
        temporary.touch(0o600)
    with atomic(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "file").touch(0o600)
        (temporary / "link").symlink_to(private)
    for name in ("file", "folder/file"):
        assert (tmp_path / name).stat().st_mode == plain.stat().st_mode
    assert private.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "private", "file", "folder"}


def test_sha256_is_the_standards(tmp_path: Path) -> None:
    (tmp_path / "abc").write_text("abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_streams_depend_on_what_they_are_for() -> None:
    assert seed_of(1, "a", 2) == seed_of(1, "a", 2)
    seeds = {seed_of(1, "a", 2), seed_of(2, "a", 2), seed_of(1, "a", 3), seed_of(1, "a2")}
    assert len(seeds) == 4
    assert generator(1, "x").integers(10**9) == generator(1, "x").integers(10**9)
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("reason", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def flock(file: int, operation: int) -> None:
        raise OSError(reason, "no locks")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(InputError, match="cannot be locked: the file system has no locks"):
        lock(tmp_path / "x.lock")
