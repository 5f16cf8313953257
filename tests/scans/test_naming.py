"""What files and folders are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundglass.scans.naming import stem


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("scan.nii.gz", "scan"),
        ("scan.v2.nii.gz", "scan.v2"),
        ("SCAN.NII", "SCAN"),
        ("1.2.840.10008.1", "1.2.840.10008.1"),
        ("1.2.840.10008.1.dcm", "1.2.840.10008.1"),
        ("slice.10.png", "slice.10"),
        ("study.zip", "study"),
        ("scan.mha", "scan"),
        ("IM0001", "IM0001"),
    ],
)
def test_only_the_ending_is_cut_off_a_file(name: str, called: str) -> None:
    assert stem(Path("some.folder") / name) == called


@pytest.mark.parametrize("name", ["1.2.840.10008.1", "ward.dcm", "scan.nii.gz", "a.b"])
def test_a_folder_keeps_all_of_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert stem(tmp_path / name) == name
