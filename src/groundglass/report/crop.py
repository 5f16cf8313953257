"""The part of a scan that is of interest, at its place in the patient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.scan import Scan

Box = tuple[slice, slice, slice]


def box_around(voxels: NDArray[Any]) -> Box:
    """The smallest box that holds every non-zero voxel of ``(D, H, W)``; empty if there is none."""
    shadow = np.any(voxels, axis=0)
    return _span(np.any(voxels, axis=(1, 2))), _span(np.any(shadow, axis=1)), _span(np.any(shadow, axis=0))


def cropped(scan: Scan, box: Box) -> Scan:
    """The box of a scan, without copying its voxels."""
    affine = scan.affine.copy()
    affine[:3, 3] = scan.to_mm(np.array([[part.start for part in box]]))[0]
    return replace(scan, voxels=scan.voxels[box], affine=affine)


def _span(hit: NDArray[np.bool_]) -> slice:
    where = np.flatnonzero(hit)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)
