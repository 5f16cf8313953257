"""Bring a mask that someone made onto the grid of its scan, or say why it does not fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from groundglass.errors import InputError
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

TOLERANCE = 0.1
"""How far corners may lie apart, in voxels: what rounding in a header makes, not a shifted mask."""


def on_grid(mask: Scan, scan: Scan) -> Scan:
    """The mask with the array axes of the scan.

    A mask on the same voxels whose axes are swapped or flipped, as another program writes it, is turned. Nothing is
    resampled.

    Args:
        mask: ``(D, H, W)`` on its own grid.
        scan: The scan it was made on.

    Raises:
        InputError: If the mask lies on other voxels.
    """
    if _distance(mask, scan) <= TOLERANCE:
        return replace(mask, affine=scan.affine)
    turned, like = to_canonical(mask), to_canonical(scan)
    distance = _distance(turned, like)
    if distance <= TOLERANCE:
        return replace(mask, voxels=from_canonical(turned.voxels, scan), affine=scan.affine)
    if turned.shape != like.shape:
        apart = f"{_size(turned)} voxels instead of {_size(like)}"
    else:
        apart = f"its corners lie up to {distance:.1f} voxels away"
    raise InputError(f"{mask.path or 'mask'}: not on the grid of the scan, {apart}; give a mask made on this scan")


def _distance(mask: Scan, scan: Scan) -> float:
    """How far the corners lie apart at most, in voxels of the scan; infinite for another number of voxels."""
    if mask.shape != scan.shape:
        return float("inf")
    corners = np.array(list(product(*((0, n - 1) for n in scan.shape))))
    return float(np.abs(scan.to_indices(mask.to_mm(corners)) - corners).max())


def _size(scan: Scan) -> str:
    return " x ".join(map(str, scan.shape))
