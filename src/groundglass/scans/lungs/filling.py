"""Diseased lung that is as dense as tissue: brought back by its place among lung that holds air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.morphology import IN_PLANE
from groundglass.scans.lungs.morphology import bounding_box
from groundglass.scans.lungs.morphology import close
from groundglass.scans.lungs.morphology import open_
from groundglass.scans.lungs.sides import LEFT
from groundglass.scans.lungs.sides import RIGHT

_CLOSING_MM = 10.0
_WIDE_CLOSING_MM = 30.0
_THICKNESS_MM = 2.0
_BONE_HU = 250
_HEALTHY_HU = (-900, -780)
_SICK_HU = 60
_SICK_REACH_MM = 10.0
_HULL_MM = 5.0


def fill_lungs(coarse: Coarse, sides: NDArray[np.uint8], free: Bools) -> NDArray[np.uint8]:
    """Add vessels, and lesions too dense to be told from tissue by density; arrays are ``(D, H, W)`` blocks.

    Every lung is closed by a ball of 1 cm. Where the lung around is diseased it is closed by one of 3 cm, and to its
    convex hull in each slice, as far as that takes in neither heart nor what lies below the diaphragm.

    Args:
        coarse: The working grid.
        sides: Lung that holds air: 0 none, 1 right, 2 left.
        free: Body that is not airway.

    Returns:
        ``sides`` with more lung in it.
    """
    filled = sides.copy()
    for side in (RIGHT, LEFT):
        if not (sides == side).any():
            continue
        box = bounding_box(sides == side, _CLOSING_MM, coarse.spacing)
        part = Coarse(coarse.hu[box], coarse.factors, coarse.spacing)
        lung = filled[box] == side
        may = lung | (free[box] & (part.hu < _BONE_HU) & (filled[box] == 0))
        filled[box][_fill(part, lung, may, side)] = side
    return filled


def _fill(coarse: Coarse, lung: Bools, may: Bools, side: int) -> Bools:
    """One lung with its dense parts, within ``may``."""
    closed = close(lung, _CLOSING_MM, coarse.spacing) & may
    near_disease = may & ~closed & _near_disease(coarse, lung)
    if not near_disease.any():
        return closed
    more = (_enclosed(closed, coarse, side) | close(closed, _WIDE_CLOSING_MM, coarse.spacing)) & near_disease
    return closed | open_(more, _THICKNESS_MM, coarse.spacing)


def _near_disease(coarse: Coarse, lung: Bools) -> Bools:
    """Where the lung within about 3 cm is on average clearly denser than the healthy part of this lung."""
    inside = ndimage.binary_erosion(lung, IN_PLANE)
    if not inside.any():
        return np.zeros(lung.shape, bool)
    healthy = np.clip(np.quantile(coarse.hu[inside], 0.2), *_HEALTHY_HU)
    excess = np.where(inside, coarse.hu - (healthy + _SICK_HU), 0)
    sigma = [_SICK_REACH_MM / mm for mm in coarse.spacing]
    return np.asarray(ndimage.gaussian_filter(excess, sigma, mode="nearest", truncate=3) >= 0, bool)


def _enclosed(lung: Bools, coarse: Coarse, side: int) -> Bools:
    """Tissue within the convex hull of one lung, slice by slice, that is neither mediastinum nor below the diaphragm.

    In a row from the chest wall to the middle, tissue with lung only on its outer side is heart or mediastinum.
    Tissue without lung below it is liver, spleen or stomach, and what has none above it lies over the apex.
    """
    outward = slice(None) if side == RIGHT else slice(None, None, -1)
    lung = lung[:, :, outward]
    below = np.logical_or.accumulate(lung, axis=0)
    above = np.logical_or.accumulate(lung[::-1], axis=0)[::-1]
    outer = np.logical_or.accumulate(lung, axis=2)
    inner = np.logical_or.accumulate(lung[:, :, ::-1], axis=2)[:, :, ::-1]
    thick = ndimage.maximum_filter1d(lung, 2 * round(_HULL_MM / coarse.spacing[0]) + 1, axis=0)
    hull = np.zeros(lung.shape, bool)
    for index in np.flatnonzero(lung.any(axis=(1, 2))):
        hull[index] = convex_hull_image(thick[index])
    return np.asarray(hull & below & above & (inner | ~outer), bool)[:, :, outward]
