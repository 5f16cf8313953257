from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from groundglass.errors import InputError
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan


def save(path: Path, voxels: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    return path


def test_nothing_there(tmp_path: Path) -> None:
    for read in (read_scan, read_mask):
        with pytest.raises(InputError, match=r"nowhere\.nii: there is no such file or folder"):
            read(tmp_path / "nowhere.nii")


def test_folders_without_a_scan(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("Dear colleague")
    for name in ("empty", "letters"):
        with pytest.raises(InputError, match=rf"{name}: a folder without a readable image; give one of NIfTI"):
            read_scan(tmp_path / name)


def test_a_folder_named_like_a_file_says_what_is_inside(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").mkdir()
    save(tmp_path / "scan.nii" / "a.nii.gz", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(InputError, match=r"scan\.nii: a folder with 1 volume\(s\) such as a\.nii\.gz"):
        read_scan(tmp_path / "scan.nii")


def test_unknown_kinds(tmp_path: Path) -> None:
    (tmp_path / "scan.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match=r"scan\.npy: not a kind of file that is read; give one of NIfTI"):
        read_scan(tmp_path / "scan.npy")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "scan.nii", np.zeros((2, 2, 2), np.uint8))

    def forbidden(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(nibabel, "load", forbidden)
    with pytest.raises(InputError, match=r"scan\.nii: cannot be read \(Permission denied\)"):
        read_scan(path)


def test_series_is_for_dicom_only(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(InputError, match="not DICOM, so it has no series '3'"):
        read_scan(path, series="3")


@pytest.mark.parametrize(
    ("stored", "read"),
    [("int8", "int16"), ("int32", "int16"), ("uint16", "int16"), ("float64", "float32"), ("int16", "int16")],
)
def test_types_after_reading(tmp_path: Path, stored: str, read: str) -> None:
    voxels = np.arange(8).reshape(2, 2, 2).astype(stored) * 10
    scan = read_scan(save(tmp_path / "scan.nii", voxels), intensity="display")
    assert scan.voxels.dtype == read
    np.testing.assert_array_equal(scan.voxels, voxels.T)
    assert scan.voxels.flags.c_contiguous


def test_values_beyond_16_bits_do_not_wrap(tmp_path: Path) -> None:
    voxels = np.full((2, 2, 2), 60000, np.int32)
    voxels[0] = -1000
    assert read_scan(save(tmp_path / "scan.nii", voxels)).voxels.max() == 60000


@pytest.mark.parametrize(
    ("stored", "classes"),
    [([0, 1, 2], [0, 1, 2]), ([0, 255, 255], [0, 1, 1]), ([0, 1, 255], [0, 1, 255]), ([0.0, 1.0, 2.0], [0, 1, 2])],
)
def test_classes_of_a_volume_mask(tmp_path: Path, stored: list[float], classes: list[int]) -> None:
    values = np.array(stored, np.float32 if isinstance(stored[0], float) else np.int16)
    mask = read_mask(save(tmp_path / "mask.nii.gz", values.reshape(1, 1, 3)))
    assert mask.voxels.ravel().tolist() == classes
    assert (mask.voxels.dtype, mask.intensity) == (np.uint8, "mask")


def test_what_is_not_a_mask_is_refused_unless_a_threshold_makes_it_one(tmp_path: Path) -> None:
    path = save(tmp_path / "heat.nii", np.array([0, 0.4, 0.9], np.float32).reshape(1, 1, 3))
    with pytest.raises(InputError, match=r"heat\.nii: min 0, max 0\.9, with fractions, as probabilities are: not a"):
        read_mask(path)
    assert read_mask(path, threshold=0.5).voxels.ravel().tolist() == [0, 0, 1]


def test_classes_that_are_wanted_are_kept_as_they_are(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.nii", np.array([0, 255, 255], np.uint8).reshape(1, 1, 3))
    assert read_mask(path, classes=True).voxels.ravel().tolist() == [0, 255, 255]
    Image.fromarray(np.array([[0, 1, 3]], np.uint8)).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", classes=True).voxels.ravel().tolist() == [0, 1, 3]
    Image.fromarray(np.array([[0, 1, 3000]], np.uint16)).save(tmp_path / "deep.png")
    assert read_mask(tmp_path / "deep.png", classes=True).voxels.ravel().tolist() == [0, 1, 1]


def test_masks_are_not_read_from_dicom(tmp_path: Path, write_series: Callable[..., Any]) -> None:
    write_series(tmp_path)
    with pytest.raises(InputError, match="masks are not read from DICOM"):
        read_mask(tmp_path)


def test_importing_is_light() -> None:
    code = "import sys, groundglass.scans; print([m for m in ('torch', 'SimpleITK') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
