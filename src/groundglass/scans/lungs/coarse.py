"""The working grid: blocks of about 2.5 mm, on which all morphology is done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.scan import Scan

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

BLOCK_MM = 2.5


@dataclass(frozen=True, eq=False)
class Coarse:
    """A canonical scan (feet to head, front to back, right to left) averaged over blocks of voxels.

    Args:
        hu: ``(D, H, W)`` float32, mean of each block in HU.
        factors: Voxels of the scan per block along ``(D, H, W)``.
        spacing: Size of a block in mm along ``(D, H, W)``.
    """

    hu: Floats
    factors: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @property
    def block_ml(self) -> float:
        """Volume of a block in ml."""
        return float(np.prod(self.spacing)) / 1000

    @property
    def area_cm2(self) -> float:
        """Area of a block in an axial slice in cm²."""
        return self.spacing[1] * self.spacing[2] / 100


def coarsen(scan: Scan) -> Coarse:
    """Average blocks of whole voxels as near to 2.5 mm as they come; voxels larger than that stay as they are.

    A block that reaches over the end of an axis is the mean of the voxels it has.
    """
    depth, height, width = (
        min(max(1, round(BLOCK_MM / mm)), size) for mm, size in zip(scan.spacing, scan.shape, strict=True)
    )
    factors = (depth, height, width)
    rows, columns = _averaging(scan.shape[1], height), _averaging(scan.shape[2], width).T
    starts = range(0, scan.shape[0], depth)
    hu = np.empty((len(starts), rows.shape[0], columns.shape[1]), np.float32)
    for index, start in enumerate(starts):
        part = scan.voxels[start : start + depth]
        image = part[0].astype(np.float32) if depth == 1 else part.mean(axis=0, dtype=np.float32)
        hu[index] = rows @ np.maximum(image, -1024) @ columns
    spacing = (scan.spacing[0] * depth, scan.spacing[1] * height, scan.spacing[2] * width)
    return Coarse(hu, factors, spacing)


def _averaging(size: int, factor: int) -> Floats:
    """Matrix ``(blocks, size)`` whose rows average the voxels of one block."""
    block = np.arange(size) // factor
    matrix = (block == np.arange(block[-1] + 1)[:, None]).astype(np.float32)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), np.float32)
