"""Lung that holds air, told from bowel gas, sinuses and other air inside the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.lungs.body import AIR_HU
from groundglass.scans.lungs.body import TISSUE_HU
from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.morphology import IN_PLANE
from groundglass.scans.lungs.morphology import components
from groundglass.scans.lungs.morphology import dilate
from groundglass.scans.lungs.morphology import widen_in_plane

_PURE_HU = -950
_SOFT_HU = -300
_GAS_ML = 1.0
_GAS_WALL_MM = (4.0, 8.0)
_GAS_WALL_SHARE = 0.55
_SMALLEST_ML = 1.0
_MIXED_SHARE = 0.3
_LUNG_CM2 = 10.0
_MAIN_SHARE = 0.1
_BASE_SHARE = 0.25
_BESIDE_MM = 15.0


def find_aerated(coarse: Coarse, body: Bools, airways: Bools) -> Bools:
    """``(D, H, W)``: lung lighter than -400 HU; empty if there is none in view.

    Lung is a mix of air and tissue, near -850 HU; gas in a bowel or a sinus is pure, near -1000 HU. So a good part of
    each piece must be denser than pure air away from its edge, and in some slice such lung must cover 10 cm².
    """
    air = body & (coarse.hu < TISSUE_HU) & ~airways
    air &= ~_gas_in_organs(coarse, air)
    inside = ndimage.binary_erosion(air, IN_PLANE)
    mixed = inside & (coarse.hu > AIR_HU)
    names, sizes = components(air)
    share = _count(names, mixed, len(sizes)) / np.maximum(_count(names, inside, len(sizes)), 1)
    is_lung = (share > _MIXED_SHARE) & (sizes * coarse.block_ml > _SMALLEST_ML)
    areas = (mixed & is_lung[names]).sum(axis=(1, 2)) * coarse.area_cm2
    if areas.max() < _LUNG_CM2:
        return np.zeros(air.shape, bool)
    return np.asarray((is_lung & _is_in_chest(coarse, names, np.where(is_lung, sizes, 0)))[names], bool)


def _is_in_chest(coarse: Coarse, names: NDArray[np.int32], sizes: NDArray[np.intp]) -> Bools:
    """Which pieces are a lung or lie among lung; stool in the bowel looks like lung but lies below it."""
    main = sizes > _MAIN_SHARE * sizes.max()
    bottoms = np.array([0, *(box[0].start for box in ndimage.find_objects(names))])
    largest = ndimage.find_objects(names)[int(sizes.argmax()) - 1][0]
    is_high = bottoms >= largest.start + _BASE_SHARE * (largest.stop - 1 - largest.start)
    beside = np.logical_or.accumulate(widen_in_plane(main[names], _BESIDE_MM, coarse.spacing), axis=0)
    return np.asarray(main | is_high | (_count(names, beside, len(sizes)) > 0.5 * sizes), bool)


def _gas_in_organs(coarse: Coarse, air: Bools) -> Bools:
    """Bodies of pure air with tissue almost all around: stomach bubble and bowel gas, but no bulla of an emphysema."""
    names, sizes = components(ndimage.binary_opening(air & (coarse.hu < _PURE_HU), IN_PLANE))
    gas = np.zeros(air.shape, bool)
    boxes = ndimage.find_objects(names)
    for number in np.flatnonzero(sizes * coarse.block_ml > _GAS_ML):
        box = tuple(
            slice(max(0, part.start - int(_GAS_WALL_MM[1] / mm) - 1), part.stop + int(_GAS_WALL_MM[1] / mm) + 1)
            for part, mm in zip(boxes[number - 1], coarse.spacing, strict=True)
        )
        near, far = (dilate(names[box] == number, mm, coarse.spacing) for mm in _GAS_WALL_MM)
        wall = far & ~near
        if (coarse.hu[box][wall] > _SOFT_HU).sum() > _GAS_WALL_SHARE * wall.sum():
            gas[box] |= near
    return gas


def _count(names: NDArray[np.int32], mask: Bools, count: int) -> NDArray[np.intp]:
    """How many voxels of the mask each component has."""
    counts = np.bincount(names[mask], minlength=count)
    counts[0] = 0
    return counts
