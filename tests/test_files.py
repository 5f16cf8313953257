from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from groundglass.errors import InputError
from groundglass.files import remove_leftovers
from groundglass.files import replacing
from groundglass.files import write_bytes
from groundglass.files import write_text


def test_text_is_written_as_utf8_and_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "note.txt", "größer\n")
    assert (tmp_path / "a" / "b" / "note.txt").read_bytes() == "größer\n".encode()


def test_the_temporary_path_keeps_the_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "scan.nii.gz") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith("scan.nii.gz")
        temporary.write_bytes(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
    assert path.read_text() == "half"


def test_a_failure_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("function", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.write_bytes"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    path = tmp_path / "weights.bin"
    write_bytes(path, b"old")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(function, full)
    with pytest.raises(InputError, match=r"weights\.bin: could not be written \(No space left on device\); make room"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["weights.bin"]


def test_a_folder_that_is_a_file_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(InputError, match="could not be written"):
        write_text(tmp_path / "run" / "config.yaml", "x")


def test_leftovers_of_a_killed_process_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = ["last.ckpt", ".hidden-file", ".gitignore"]
    for name in (*kept, f".{'0f' * 16}-last.ckpt"):
        (tmp_path / name).write_text("here")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
