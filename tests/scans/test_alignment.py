"""Masks that someone made: put on the scan's array axes, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chests import AFFINE
from chests import TURNS
from chests import make_chest
from chests import turned

from groundglass.errors import InputError
from groundglass.scans.alignment import on_grid
from groundglass.scans.scan import Scan


@pytest.mark.parametrize(("axes", "flips"), TURNS[::5])
def test_turned_masks_are_turned_back(axes: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    chest = make_chest()
    mask = on_grid(turned(chest, axes, flips).lesions, chest.scan)
    assert np.array_equal(mask.voxels, chest.lesions.voxels)
    assert np.array_equal(mask.affine, chest.scan.affine)


def test_rounding_is_no_shift_and_half_a_voxel_is() -> None:
    chest = make_chest()
    assert on_grid(replace(chest.lesions, affine=AFFINE + 1e-3), chest.scan).shape == chest.scan.shape
    shifted = AFFINE.copy()
    shifted[0, 3] += 1
    with pytest.raises(InputError, match=r"0\.5 voxels away; give a mask made on this scan"):
        on_grid(replace(chest.lesions, affine=shifted), chest.scan)


def test_another_size_is_named() -> None:
    chest = make_chest()
    small = Scan(np.zeros((30, 40, 40), np.uint8), AFFINE, "mask", Path("m.nii.gz"))
    with pytest.raises(InputError, match=r"m\.nii\.gz: .* 30 x 40 x 40 voxels instead of 30 x 40 x 48"):
        on_grid(small, chest.scan)
