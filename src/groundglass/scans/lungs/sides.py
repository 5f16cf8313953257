"""Right lung and left lung, also where they touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from groundglass.scans.lungs.body import middle_column
from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.morphology import bounding_box
from groundglass.scans.lungs.morphology import components
from groundglass.scans.lungs.morphology import depth_mm

RIGHT, LEFT = 1, 2

_ON_BOTH_SIDES = 0.15
_EROSIONS_MM = (2.5, 4.0, 6.0, 8.0, 11.0, 14.0, 18.0)
_PART_SHARE = 0.1
_HU_PER_MM = 20.0


def split_sides(coarse: Coarse, aerated: Bools, body: Bools) -> NDArray[np.uint8]:
    """Tell the lungs apart; all arrays are ``(D, H, W)`` on the working grid.

    A piece on one side of the patient's middle belongs to that side. A piece on both sides is two lungs that touch: it
    is eroded until it falls apart, and the parts flood back and meet where the lungs are thin or a wall shows.

    Returns:
        uint8: 0 none, 1 right lung, 2 left lung.
    """
    is_left = np.arange(aerated.shape[2]) > middle_column(body)
    names, sizes = components(aerated)
    left_share = _left_share(names, sizes, is_left)
    sides = _side_of(left_share)[names]
    torn = np.minimum(left_share, 1 - left_share) > _ON_BOTH_SIDES
    if sizes[torn].any():
        lungs = names == int(np.where(torn, sizes, 0).argmax())
        box = bounding_box(lungs, 0, coarse.spacing)
        sides[box][lungs[box]] = _split(coarse.hu[box], lungs[box], is_left[box[2]], coarse)[lungs[box]]
    return sides


def _split(hu: NDArray[np.float32], lungs: Bools, is_left: Bools, coarse: Coarse) -> NDArray[np.uint8]:
    """Part two lungs that touch; if they never fall apart, at the patient's middle."""
    depth = depth_mm(lungs, coarse.spacing)
    cores: NDArray[np.uint8] | None = None
    for mm in _EROSIONS_MM:
        cores = _cores(depth > mm, is_left)
        if cores is not None:
            break
    if cores is None:
        return np.broadcast_to(np.where(is_left, LEFT, RIGHT).astype(np.uint8), lungs.shape)
    return np.asarray(watershed(hu - _HU_PER_MM * depth, cores, mask=lungs), np.uint8)


def _cores(eroded: Bools, is_left: Bools) -> NDArray[np.uint8] | None:
    """The parts of eroded lungs, each named by its side; ``None`` while a large one still reaches over both."""
    names, sizes = components(eroded)
    left_share = _left_share(names, sizes, is_left)
    large = sizes > _PART_SHARE * sizes.sum()
    if (np.minimum(left_share, 1 - left_share)[large] > _ON_BOTH_SIDES).any():
        return None
    side = _side_of(left_share)
    return side[names] if {RIGHT, LEFT} <= set(side[large].tolist()) else None


def _left_share(names: NDArray[np.int32], sizes: NDArray[np.intp], is_left: Bools) -> NDArray[np.float64]:
    """Part of each component that lies on the left of the middle."""
    left = np.bincount(names[:, :, is_left].ravel(), minlength=len(sizes))
    left[0] = 0
    return np.asarray(left / np.maximum(sizes, 1), np.float64)


def _side_of(left_share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The side of each component; number 0 is outside."""
    side = np.where(left_share > 0.5, LEFT, RIGHT).astype(np.uint8)
    side[0] = 0
    return side
