"""From the working grid back to the scan's own voxels, where density draws the border."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.lungs.body import TISSUE_HU
from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.coarse import Floats
from groundglass.scans.lungs.morphology import bounding_box

_SURE, _NEAR = 0.75, 0.15
_MARGIN_MM = 6.0


def refine(voxels: NDArray[Any], coarse: Coarse, sides: NDArray[np.uint8], airways: Bools) -> NDArray[np.uint8]:
    """Lungs on the grid of the scan.

    What lies well inside the lungs of the working grid is lung whatever its density; near their edge, what is light.

    Args:
        voxels: ``(D, H, W)`` HU of the canonical scan.
        coarse: Its working grid.
        sides: Lungs on the working grid: 0 none, 1 right, 2 left.
        airways: Windpipe and main bronchi on the working grid.

    Returns:
        ``(D, H, W)`` uint8 as ``voxels``: 0 none, 1 right lung, 2 left lung.
    """
    box = bounding_box(sides, _MARGIN_MM, coarse.spacing)
    lungs, pipes = (sides[box] > 0).astype(np.float32), airways[box].astype(np.float32)
    spread = _spread(sides[box], coarse)
    mask = np.zeros(voxels.shape, np.uint8)
    slices, rows, columns = (_voxels_of(box[i], coarse.factors[i], voxels.shape[i]) for i in range(3))
    between, down, across = (
        _interpolation(blocks, factor, part)
        for blocks, factor, part in zip(box, coarse.factors, (slices, rows, columns), strict=True)
    )
    near_rows, near_columns = (
        _block_of(blocks, factor, part)
        for blocks, factor, part in zip(box[1:], coarse.factors[1:], (rows, columns), strict=True)
    )
    for index, weights in zip(range(slices.start, slices.stop), between, strict=True):
        cover = down @ _mix(lungs, weights) @ across.T
        pipe = down @ _mix(pipes, weights) @ across.T
        light = voxels[index, rows, columns] < TISSUE_HU
        inside = (cover > _SURE) | ((cover > _NEAR) & light & (pipe < 0.5))
        nearest = spread[index // coarse.factors[0] - box[0].start]
        mask[index, rows, columns] = inside * nearest[near_rows[:, None], near_columns]
    return mask


def _spread(sides: NDArray[np.uint8], coarse: Coarse) -> NDArray[np.uint8]:
    """The side of the nearest lung at every block."""
    nearest = ndimage.distance_transform_edt(
        sides == 0, sampling=coarse.spacing, return_distances=False, return_indices=True
    )
    return np.asarray(sides[tuple(nearest)], np.uint8)


def _voxels_of(blocks: slice, factor: int, size: int) -> slice:
    return slice(blocks.start * factor, min(blocks.stop * factor, size))


def _block_of(blocks: slice, factor: int, voxels: slice) -> NDArray[np.intp]:
    return np.asarray(np.arange(voxels.start, voxels.stop) // factor - blocks.start, np.intp)


def _interpolation(blocks: slice, factor: int, voxels: slice) -> Floats:
    """Matrix ``(voxels, blocks)`` that interpolates linearly between the centers of blocks."""
    numbers = np.arange(blocks.start, blocks.stop)
    at = np.clip((np.arange(voxels.start, voxels.stop) + 0.5) / factor - 0.5, numbers[0], numbers[-1])
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - numbers)), np.float32)


def _mix(values: Floats, weights: Floats) -> Floats:
    """The slice between two slices of blocks."""
    used = np.flatnonzero(weights)
    return np.asarray(np.tensordot(weights[used], values[used], 1), np.float32)
