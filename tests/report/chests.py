"""A made-up chest for the tests of the report: two boxes of lung with boxes of lesion, all of known size."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from itertools import product
from typing import NamedTuple

import numpy as np

from groundglass.scans.scan import Scan

AFFINE = np.array([[0, 0, 2.0, -48], [0, 2.0, 0, -40], [5.0, 0, 0, -300], [0, 0, 0, 1]])
"""5 mm slices of 2 x 2 mm pixels: 50 voxels are 1 ml, 25 pixels are 1 cm²."""

SHAPE = (30, 40, 48)
TURNS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


class Chest(NamedTuple):
    scan: Scan
    lesions: Scan
    lungs: Scan


def make_chest(*, lesion: bool = True) -> Chest:
    """Right lung 24 x 30 x 15, left lung 24 x 30 x 12 voxels, both in slices 3 to 26.

    A ground-glass lesion of 4 x 10 x 10 voxels low in the right lung, a consolidation of 2 x 5 x 5 high in the left
    one, and a lesion of 10 voxels in the heart, outside the lungs.
    """
    hu = np.full(SHAPE, 40, np.int16)
    lungs, lesions = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    lungs[3:27, 5:35, 4:19] = 1
    lungs[3:27, 5:35, 30:42] = 2
    hu[lungs > 0] = -850
    if lesion:
        lesions[4:8, 20:30, 5:15] = 1
        hu[4:8, 20:30, 5:15] = -500
        lesions[22:24, 10:15, 32:37] = 1
        hu[22:24, 10:15, 32:37] = -100
        lesions[10, 20, 20:30] = 1
    scan = Scan(hu, AFFINE, "hu")
    return Chest(scan, scan.with_voxels(lesions, "mask"), scan.with_voxels(lungs, "mask"))


def turned(chest: Chest, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Chest:
    """The same chest in another order of array axes, some of them flipped; every voxel keeps its place."""
    return Chest(*(_turn(one, axes, flips) for one in chest))


def _turn(scan: Scan, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Scan:
    voxels, affine = scan.voxels.transpose(axes), scan.affine[:, [*axes, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
            affine[:3, axis] *= -1
            voxels = np.flip(voxels, axis)
    return replace(scan, voxels=voxels, affine=affine)
