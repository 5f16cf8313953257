"""A lung mask that someone made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from groundglass.errors import InputError
from groundglass.scans.alignment import on_grid
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan


def read_lungs(path: str | Path, scan: Scan) -> Scan:
    """Read a lung mask onto the grid of a scan: 0 outside, 1 right lung, 2 left lung of the patient.

    Raises:
        InputError: If it cannot be read, lies on another grid, or has left and right swapped.
    """
    lungs = on_grid(read_mask(path), scan)
    columns = to_canonical(lungs).voxels
    right, left = (np.count_nonzero(columns == side, axis=(0, 1)) for side in (1, 2))
    place = np.arange(len(right))
    if right.any() and left.any() and np.average(place, weights=right) > np.average(place, weights=left):
        raise InputError(f"{path}: class 1 lies at the patient's left; number the right lung 1 and the left lung 2")
    return lungs
