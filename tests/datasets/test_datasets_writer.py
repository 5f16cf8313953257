from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nibabel.orientations import apply_orientation
from nibabel.orientations import inv_ornt_aff
from tiny_files import LPS
from tiny_files import SHAPE
from tiny_files import hu
from tiny_files import lesion
from tiny_files import make_source

from groundglass.datasets.case import Case
from groundglass.datasets.writer import Written
from groundglass.datasets.writer import write_case
from groundglass.errors import InputError
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

CASE = Case(
    case="a", patient="p", image="images/a.nii.gz", intensity="", label="masks/a.nii.gz", lungs="lungs/a.nii.gz"
)
TURNS = [np.column_stack([order, signs]) for order in permutations(range(3)) for signs in product([1, -1], repeat=3)]
MASK = Scan(lesion(), LPS, "mask", Path("the-mask"))


def turned(scan: Scan, turn: Any) -> Scan:
    """The same scan stored with other axes, every voxel at its place in the patient."""
    return replace(
        scan, voxels=apply_orientation(scan.voxels, turn), affine=scan.affine @ inv_ornt_aff(turn, scan.shape)
    )


def moved(scan: Scan, *millimeters: float) -> Scan:
    affine = scan.affine.copy()
    affine[:3, 3] += millimeters
    return replace(scan, affine=affine)


def write(output: Path, **changes: Any) -> Written:
    return write_case(make_source("a", **({"lungs": lambda: MASK} | changes)), CASE, output)


def test_image_and_masks_are_written_on_one_canonical_grid(tmp_path: Path) -> None:
    case, depth, has_lesion = write(tmp_path)
    assert case.intensity == "hu"
    assert (depth, has_lesion) == (SHAPE[0], True)
    image = read_scan(tmp_path / "images/a.nii.gz")
    np.testing.assert_array_equal(image.voxels, hu(1))
    for name in ("masks", "lungs"):
        mask = read_mask(tmp_path / name / "a.nii.gz")
        np.testing.assert_array_equal(mask.voxels, lesion())
        np.testing.assert_array_equal(mask.affine, image.affine)


@pytest.mark.parametrize("turn", TURNS[::5])
def test_a_mask_with_other_axes_is_put_on_the_images_grid(tmp_path: Path, turn: Any) -> None:
    write(tmp_path, mask=lambda: turned(MASK, turn))
    np.testing.assert_array_equal(read_mask(tmp_path / "masks/a.nii.gz").voxels, lesion())


@pytest.mark.parametrize("turn", TURNS[3::7])
def test_an_image_with_other_axes_keeps_its_mask(tmp_path: Path, turn: Any) -> None:
    write(tmp_path, image=lambda: turned(Scan(hu(1), LPS, "hu"), turn))
    np.testing.assert_array_equal(read_scan(tmp_path / "images/a.nii.gz").voxels, hu(1))
    np.testing.assert_array_equal(read_mask(tmp_path / "masks/a.nii.gz").voxels, lesion())


def test_a_mask_flipped_in_its_header_alone_lies_elsewhere(tmp_path: Path) -> None:
    flipped = replace(MASK, affine=LPS @ np.diag([1.0, 1.0, -1.0, 1.0]))
    with pytest.raises(InputError, match=r"the-mask: lies up to 12 mm from where its image"):
        write(tmp_path, mask=lambda: flipped)


def test_headers_may_be_rounded_but_not_be_of_another_grid(tmp_path: Path) -> None:
    rounded = replace(MASK, affine=LPS * (1 + 2e-5))
    for mask in (moved(MASK, 1e-3, -1e-3, 1e-3), rounded):
        write(tmp_path, mask=lambda mask=mask: mask)
        stored = read_mask(tmp_path / "masks/a.nii.gz")
        np.testing.assert_array_equal(stored.affine, read_scan(tmp_path / "images/a.nii.gz").affine)
    half_a_voxel, coarser = moved(MASK, 0.4, 0, 0), replace(MASK, affine=LPS @ np.diag([1, 1, 1.02, 1]))
    for mask in (half_a_voxel, coarser, moved(MASK, 0, 0, -5.0)):
        with pytest.raises(InputError, match="export the mask on the grid of that image"):
            write(tmp_path, mask=lambda mask=mask: mask)


def test_a_mask_that_belongs_to_the_image_voxel_by_voxel_needs_no_header(tmp_path: Path) -> None:
    image = turned(Scan(hu(1), LPS, "hu"), TURNS[11])
    mask = replace(turned(MASK, TURNS[11]), affine=np.diag([3.0, 1, 2, 1]))
    write(tmp_path, image=lambda: image, mask=lambda: mask, lungs=lambda: mask, voxelwise=True)
    np.testing.assert_array_equal(read_mask(tmp_path / "masks/a.nii.gz").voxels, lesion())
    np.testing.assert_array_equal(read_mask(tmp_path / "lungs/a.nii.gz").voxels, lesion())


@pytest.mark.parametrize("voxelwise", [False, True])
def test_a_mask_of_another_size_is_refused(tmp_path: Path, voxelwise: bool) -> None:
    small = replace(MASK, voxels=lesion()[:7])
    with pytest.raises(InputError, match=r"its size \(7, 16, 16\) is not the size \(8, 16, 16\)"):
        write(tmp_path, mask=lambda: small, voxelwise=voxelwise)


def test_every_class_of_a_lesion_mask_is_lesion_and_lungs_keep_their_sides(tmp_path: Path) -> None:
    classes = replace(MASK, voxels=lesion() * np.arange(1, 9, dtype=np.uint8)[:, None, None])
    write(tmp_path, mask=lambda: classes, lungs=lambda: classes)
    np.testing.assert_array_equal(read_mask(tmp_path / "masks/a.nii.gz").voxels, lesion())
    np.testing.assert_array_equal(read_mask(tmp_path / "lungs/a.nii.gz").voxels, classes.voxels)


def test_a_mask_that_is_all_lesion_is_refused_but_lungs_may_fill_a_crop(tmp_path: Path) -> None:
    full = replace(MASK, voxels=np.ones(SHAPE, np.uint8))
    write(tmp_path, lungs=lambda: full)
    with pytest.raises(InputError, match="the-mask: every pixel is lesion"):
        write(tmp_path, mask=lambda: full)


def test_a_healthy_case_with_lesions_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, tag=1)
    write(tmp_path, tag=0, mask=lambda: replace(MASK, voxels=lesion() * 0))
    assert not caplog.messages
    write(tmp_path, tag=0)
    assert caplog.messages == ["case a: tagged as healthy, but its mask has lesions; mend the one or the other"]


def test_nothing_that_is_read_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path)
    before = (tmp_path / "images/a.nii.gz").read_bytes()
    with pytest.raises(InputError, match="would be overwritten"):
        write(tmp_path, image=lambda: replace(read_scan(tmp_path / "images/a.nii.gz"), voxels=hu(7)))
    assert (tmp_path / "images/a.nii.gz").read_bytes() == before
