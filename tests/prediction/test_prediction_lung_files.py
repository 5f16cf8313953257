"""Which file is the lung mask of which scan."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundglass.errors import InputError
from groundglass.prediction.lung_files import LungFiles


def touched(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def all_of(scans: list[Path], lungs: Path | None) -> list[Path | None]:
    files = LungFiles(scans, lungs)
    return [files.of(scan) for scan in scans]


def test_masks_are_found_by_the_names_of_the_scans(tmp_path: Path) -> None:
    scans = touched(tmp_path / "scans", "a.v2.nii.gz", "b.png", "c.dcm")
    masks = touched(tmp_path / "lungs", "a.v2.nrrd", "b.png", "c.nii", "other.nii.gz")
    assert all_of(scans, tmp_path / "lungs") == masks[:3]
    assert all_of(scans[:1], masks[3]) == [masks[3]]
    assert all_of(scans, None) == [None] * 3


def test_slices_in_a_folder_of_another_name_are_one_mask(tmp_path: Path) -> None:
    touched(tmp_path / "lungs", "1.png", "2.png")
    (tmp_path / "slices").mkdir()
    assert all_of([tmp_path / "slices"], tmp_path / "lungs") == [tmp_path / "lungs"]


def test_a_scan_without_a_mask_of_its_name_is_said_and_the_others_have_theirs(tmp_path: Path) -> None:
    scans = touched(tmp_path / "scans", "a.nii.gz", "b.nii.gz")
    masks = touched(tmp_path / "lungs", "a.nii.gz")
    files = LungFiles(scans, tmp_path / "lungs")
    assert files.of(scans[0]) == masks[0]
    with pytest.raises(InputError, match=r"b\.nii\.gz: .*lungs holds no lung mask of its name; add it"):
        files.of(scans[1])
    [again] = touched(tmp_path / "more", "a.nii.gz")
    files = LungFiles([*scans, again], tmp_path / "lungs")
    with pytest.raises(InputError, match=r"more/a\.nii\.gz: several scans are named 'a'"):
        files.of(again)


def test_one_mask_is_not_that_of_several_scans(tmp_path: Path) -> None:
    scans = touched(tmp_path / "scans", "a.nii.gz", "b.nii.gz")
    masks = touched(tmp_path / "lungs", "a.nii.gz")
    with pytest.raises(InputError, match=r"a\.nii\.gz: is one mask; give a folder"):
        LungFiles(scans, masks[0])
    with pytest.raises(InputError, match="there is no such file or folder"):
        LungFiles(scans, tmp_path / "nowhere")
