"""The patient without the table, the air around and what lies on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

from groundglass.scans.lungs.coarse import Bools
from groundglass.scans.lungs.coarse import Coarse
from groundglass.scans.lungs.morphology import IN_PLANE
from groundglass.scans.lungs.morphology import components
from groundglass.scans.lungs.morphology import fill_in_plane

TISSUE_HU = -400
"""Half-way between lung (-850) and soft tissue (50): denser is tissue."""

AIR_HU = -940
"""Lighter is air without lung in it."""


def find_body(coarse: Coarse) -> Bools:
    """``(D, H, W)``: the patient with the lungs and all gas inside; empty if there is no patient.

    The largest piece of tissue that is thicker than a table top, with its holes filled slice by slice. Where the field
    of view cuts the body, its hull closes the gap, so that a lung at the edge of the image stays inside.
    """
    tissue = coarse.hu > TISSUE_HU
    names, sizes = components(ndimage.binary_opening(tissue, IN_PLANE))
    if not sizes.any():
        return np.zeros(tissue.shape, bool)
    trunk = ndimage.binary_dilation(names == sizes.argmax(), IN_PLANE) & tissue
    body = fill_in_plane(trunk)
    _close_where_cut(body, coarse)
    return body


def _close_where_cut(body: Bools, coarse: Coarse) -> None:
    """Add lung that the field of view cuts, in place: lighter than tissue, denser than air, within the body's hull."""
    padding = coarse.hu.max(axis=0) <= coarse.hu.min() + 1
    edge = ndimage.binary_dilation(padding)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    loose = (coarse.hu > AIR_HU) & ~body
    around = ~body & ~loose & ~padding
    for index in np.flatnonzero((body & edge).any(axis=(1, 2)) & (loose & edge).any(axis=(1, 2))):
        cut = ndimage.binary_opening(convex_hull_image(body[index]) & loose[index], iterations=2)
        names, _ = ndimage.label(cut)
        for number, box in enumerate(ndimage.find_objects(names), start=1):
            body[index][box] |= _is_enclosed(names, number, around[index], body[index]) & (names[box] == number)


def _is_enclosed(names: NDArray[np.int32], number: int, around: Bools, body: Bools) -> bool:
    """Whether a piece of one slice borders on body and hardly on the air around it."""
    rim = ndimage.binary_dilation(names == number, iterations=3)
    return bool((rim & around).sum() < 0.1 * (rim & body).sum())


def middle_column(body: Bools) -> float:
    """Column of the patient's middle: as much body lies to the right of it as to the left."""
    columns = body.sum(axis=(0, 1)).cumsum()
    return float(np.interp(columns[-1] / 2, columns, np.arange(len(columns))))
