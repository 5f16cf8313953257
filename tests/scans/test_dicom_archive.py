from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass.errors import InputError
from groundglass.scans import dicom_archive
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.reader import read_scan

Write = Callable[..., Any]


def pack(folder: Path, archive: Path, **names: str) -> Path:
    """Zip a folder's files; ``names`` maps a stem to another name inside the archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.iterdir()):
            member = zipfile.ZipInfo(names.get(path.stem, f"study/{path.name}"))
            file.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive


def test_a_zip_reads_like_its_folder(tmp_path: Path, write_series: Write) -> None:
    expected = write_series(tmp_path / "scan")
    archive = pack(tmp_path / "scan", tmp_path / "scan.zip")
    scan, series = read_dicom_series(archive)
    np.testing.assert_array_equal(scan.voxels, expected)
    np.testing.assert_allclose(scan.affine, read_scan(tmp_path / "scan").affine)
    assert series.files[0] == f"{archive}/study/IM004.dcm"


@pytest.mark.parametrize("name", ["../IM001.dcm", "a/../../IM001.dcm", "/etc/IM001.dcm", "C:/IM001.dcm", "..\\x.dcm"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, write_series: Write, name: str) -> None:
    write_series(tmp_path / "scan")
    with pytest.raises(InputError, match="unsafe name"):
        read_scan(pack(tmp_path / "scan", tmp_path / "scan.zip", IM001=name))


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 3), ("MAX_BYTES", 1000)])
def test_archives_over_the_limits_are_refused(
    tmp_path: Path, write_series: Write, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    write_series(tmp_path / "scan")
    archive = pack(tmp_path / "scan", tmp_path / "scan.zip")
    monkeypatch.setattr(dicom_archive, limit, value)
    with pytest.raises(InputError, match="unpacked"):
        read_scan(archive)


def test_broken_archives_are_named(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path / "scan")
    archive = pack(tmp_path / "scan", tmp_path / "scan.zip")
    whole = bytearray(archive.read_bytes())
    archive.write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"scan\.zip: not a readable zip"):
        read_scan(archive)
    whole[200:240] = bytes(40)
    archive.write_bytes(whole)
    with pytest.raises(InputError, match=r"scan\.zip/study/IM001\.dcm: "):
        read_scan(archive)


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "letter.txt").write_text("Dear colleague")
    with pytest.raises(InputError, match="no axial CT slices"):
        read_scan(pack(tmp_path / "scan", tmp_path / "scan.zip"))


def test_a_folder_of_far_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_archive, "MAX_FOLDER_FILES", 2)
    for index in range(4):
        (tmp_path / f"{index}.txt").touch()
    with pytest.raises(InputError, match="more than 2 files"):
        read_scan(tmp_path)


def test_a_folder_that_may_not_be_listed_is_named(
    tmp_path: Path, write_series: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "scan")
    (tmp_path / "scan" / "more").mkdir()
    scandir = os.scandir

    def forbidding(path: Any) -> Any:  # root may list everything, so the system cannot be asked
        if str(path).endswith("more"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    with pytest.raises(InputError, match=r"more: cannot be read \(Permission denied\); check its permissions"):
        read_scan(tmp_path / "scan")


def test_what_is_not_dicom_is_not_unpacked(
    tmp_path: Path, write_series: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write_series(tmp_path / "scan")
    (tmp_path / "scan" / "film.avi").write_bytes(bytes(5000))
    monkeypatch.setattr(dicom_archive, "MAX_FILE_BYTES", 4000)
    archive = pack(tmp_path / "scan", tmp_path / "scan.zip")
    np.testing.assert_array_equal(read_scan(archive).voxels, expected)
    monkeypatch.setattr(dicom_archive, "MAX_FILE_BYTES", 100)
    with pytest.raises(InputError, match=r"IM001\.dcm: too large for a slice of CT"):
        read_scan(archive)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.nii")
    with pytest.raises(InputError, match=r"scan\.nii: neither a file nor a folder"):
        read_scan(tmp_path / "scan.nii")
