"""Watershed boundaries between clicks, of a whole image and within one blob."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from groundglass.losses.flood_order import keeps_order

TOP_HAT = 7
CROSS = ndimage.generate_binary_structure(2, 1)

Box = tuple[slice, ...]


def reliefs(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the watershed floods: black top-hat (7 x 7) of probability maps ``(B, H, W)``, high in narrow gaps."""
    return np.asarray(ndimage.black_tophat(probabilities, size=(1, TOP_HAT, TOP_HAT)))


def flood(relief: NDArray[np.float32], clicks: NDArray[np.int32]) -> NDArray[np.int32]:
    """The basin of every pixel ``(H, W)``: the number of the click whose flood comes first."""
    return np.asarray(watershed(relief, clicks), np.int32)


def edges(basins: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels with a 4-neighbor of another basin (skimage's ``find_boundaries`` in a tenth of its time)."""
    found = np.zeros(basins.shape, bool)
    down, right = basins[1:] != basins[:-1], basins[:, 1:] != basins[:, :-1]
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= right
    found[:, :-1] |= right
    return found


def split(
    relief: NDArray[np.float32],
    clicks: NDArray[np.int32],
    at: NDArray[np.intp],
    basins: NDArray[np.int32],
    blobs: NDArray[np.int32],
    number: int,
    box: Box,
) -> NDArray[np.bool_]:
    """Boundaries within a blob, of a flood of the whole image from the blob's clicks alone.

    The flood from *all* clicks is known already. Other clicks can only have taken pixels away: what the blob's own
    clicks reached first in spite of them, they reach first without them. If that holds the blob and its rim, the
    boundaries are those of the known flood, or of one of those basins alone where the clicks' order of service would
    change; else the whole image is flooded again.

    Args:
        relief: ``(H, W)``.
        clicks: ``(H, W)`` numbered clicks, 0 elsewhere.
        at: ``(N,)`` where they are, indices of the flat map in rising order.
        basins: ``(H, W)`` flood from all clicks.
        blobs: ``(H, W)`` numbered blobs, 0 elsewhere.
        number: The blob.
        box: Its bounding box.

    Returns:
        ``(H, W)``.
    """
    mine = np.flatnonzero(blobs.flat[at] == number)
    numbers = clicks.flat[at]
    owned = np.isin(np.arange(len(at) + 1), numbers[mine])
    around = tuple(slice(max(edge.start - 1, 0), edge.stop + 1) for edge in box)
    inside: NDArray[np.bool_] = blobs[around] == number
    cut = np.zeros(relief.shape, bool)
    rim = ndimage.binary_dilation(inside, CROSS)
    if owned[numbers].sum() > len(mine) or not owned[basins[around]][rim].all():
        cut[around] = edges(flood(relief, _only(clicks, at[mine])))[around] & inside
    elif numbers.max() == len(at) and keeps_order(mine, len(at)):
        cut[around] = edges(basins[around]) & inside
    else:
        own = owned[basins]
        part = _bounding_box(own)
        cut[part] = edges(watershed(relief[part], _only(clicks, at[mine])[part], mask=own[part]))
        cut &= blobs == number
    return cut


def _only(clicks: NDArray[np.int32], at: NDArray[np.intp]) -> NDArray[np.int32]:
    """The clicks at some places (indices of the flat map) without the others."""
    markers = np.zeros_like(clicks)
    markers.flat[at] = clicks.flat[at]
    return markers


def _bounding_box(area: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
