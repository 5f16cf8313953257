from __future__ import annotations

from itertools import permutations
from itertools import product

import numpy as np
import pytest

from groundglass.scans.lungs import lung_zones
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan


def lungs() -> Scan:
    """A right lung of 9 slices and a left lung of 6, in other slices."""
    voxels = np.zeros((12, 3, 4), np.uint8)
    voxels[0:9, :, :2] = 1
    voxels[5:11, :, 2:] = 2
    affine = np.zeros((4, 4))
    affine[[2, 1, 0, 3], [0, 1, 2, 3]] = 5.0, 1.0, 1.0, 1.0
    return Scan(voxels, affine, "mask")


def test_each_lung_has_its_own_thirds_from_the_feet_up() -> None:
    zones = lung_zones(lungs())
    assert zones.dtype == np.uint8
    assert zones[:, 0, 0].tolist() == [3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert zones[:, 0, 3].tolist() == [0, 0, 0, 0, 0, 3, 3, 2, 2, 1, 1, 0]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product([1, -1], repeat=3)))
def test_zones_follow_the_patient_in_every_orientation(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    scan = lungs()
    voxels, affine = scan.voxels.transpose(order), scan.affine[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip < 0:
            affine[:3, 3] += (voxels.shape[axis] - 1) * affine[:3, axis]
            affine[:3, axis] *= -1
    stored = Scan(voxels[tuple(slice(None, None, flip) for flip in flips)], affine, "mask")
    zones = stored.with_voxels(lung_zones(stored))
    np.testing.assert_array_equal(to_canonical(zones).voxels, lung_zones(scan))


def test_height_is_measured_in_the_patient_when_the_scan_is_tilted() -> None:
    scan = lungs()
    angle = np.deg2rad(30)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    tilted = Scan(scan.voxels, tilt @ scan.affine, "mask")
    zones = lung_zones(tilted)
    indices = np.argwhere(scan.voxels == 1)
    height = tilted.to_mm(indices)[:, 2]
    third = (height.max() - height.min()) / 3
    found = zones[tuple(indices.T)]
    assert (height[found == 1] > height.max() - third - 1e-6).all()
    assert (height[found == 3] < height.min() + third + 1e-6).all()
    assert set(found) == {1, 2, 3}


def test_a_missing_lung_has_no_zones() -> None:
    scan = lungs()
    only = scan.with_voxels(np.where(scan.voxels == 1, scan.voxels, 0))
    np.testing.assert_array_equal(lung_zones(only) > 0, only.voxels > 0)
    assert not lung_zones(scan.with_voxels(np.zeros_like(scan.voxels))).any()
