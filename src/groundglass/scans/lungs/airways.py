"""Windpipe and main bronchi, which are air but not lung."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from groundglass.scans.lungs.body import AIR_HU
from groundglass.scans.lungs.body import middle_column
from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.morphology import IN_PLANE
from groundglass.scans.lungs.morphology import components
from groundglass.scans.lungs.morphology import dilate

_LUMEN_HU = -700
_AREA_CM2 = (0.4, 8.0)
_OFF_MIDDLE_MM = 55.0
_TALL_MM = 12.0
_WALL_MM = 3.6
_GROWTH_ML = 30.0
_REACH_MM = 30.0


def find_airways(coarse: Coarse, body: Bools) -> Bools:
    """``(D, H, W)``: lumen and wall of the windpipe and the main bronchi.

    The windpipe is air of nearly -1000 HU in small pieces near the middle, slice upon slice. From there the airways are
    followed a little way through air that is lighter than lung, with ever lower thresholds until they do not leak.
    """
    seeds = _seeds(coarse, body)
    if not seeds.any():
        return seeds
    lumen, near = seeds, body & dilate(seeds, _REACH_MM, coarse.spacing)
    for threshold in (-900, -925, -950, -970):
        names, sizes = components(near & ((coarse.hu < threshold) | seeds))
        reached = np.unique(names[seeds])
        if sizes[reached].sum() * coarse.block_ml < seeds.sum() * coarse.block_ml + _GROWTH_ML:
            lumen = np.isin(names, reached)
            break
    return dilate(lumen, _WALL_MM, coarse.spacing)


def _seeds(coarse: Coarse, body: Bools) -> Bools:
    """Pieces of air in axial slices that have the size, the density and the place of an airway, and go on upwards."""
    names, sizes = components(body & (coarse.hu < _LUMEN_HU), IN_PLANE)
    numbers = np.arange(len(sizes))
    density = ndimage.mean(coarse.hu, names, numbers)
    center = ndimage.mean(np.broadcast_to(np.arange(body.shape[2]), body.shape), names, numbers)
    area = sizes * coarse.area_cm2
    off_middle = np.abs(center - middle_column(body)) * coarse.spacing[2]
    fits = (area > _AREA_CM2[0]) & (area < _AREA_CM2[1]) & (density < AIR_HU + 30) & (off_middle < _OFF_MIDDLE_MM)
    stacks, _ = components(fits[names], np.ones((3, 3, 3), bool))
    tall = np.zeros(stacks.max() + 1, bool)
    enough = min(_TALL_MM, 0.5 * body.shape[0] * coarse.spacing[0])
    for number, box in enumerate(ndimage.find_objects(stacks), start=1):
        tall[number] = (box[0].stop - box[0].start) * coarse.spacing[0] >= enough
    return np.asarray(tall[stacks], bool)
