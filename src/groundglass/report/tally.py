"""One count over all voxels of the lungs, from which every volume and area follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundglass.report.chest import Chest
from groundglass.report.tissue import BANDS
from groundglass.report.tissue import band_of

CELLS = (2, 3, 4, BANDS)
"""Lesion (no, yes) x lung (0..2) x zone (0..3) x band of Hounsfield units: few enough for one byte."""


def tally(chest: Chest) -> NDArray[np.int64]:
    """Count the voxels of the lungs by slice, lesion, lung, zone and density.

    Slices are counted one after another, so memory does not grow with their number.

    Returns:
        ``(D, 2, 3, 4, BANDS)``; without Hounsfield units every voxel counts in band 0.
    """
    counts = np.zeros((len(chest.zones), *CELLS), np.int64)
    for index, lung in enumerate(chest.lungs.voxels):
        inside = lung > 0
        code = chest.lesions.voxels[index][inside] * np.uint8(3) + lung[inside]
        code = code * np.uint8(4) + chest.zones[index][inside]
        code = code * np.uint8(BANDS)
        if chest.hu is not None:
            code += band_of(chest.hu[index][inside])
        counts[index] = np.bincount(code, minlength=counts[index].size).reshape(CELLS)
    return counts
