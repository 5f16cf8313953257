"""Clicks grown into the tissue around them, by its brightness: what a click says of its neighbors, at no cost.

Ours, in no paper; the oldest idea of its kind is seeded region growing (Adams and Bischof, 1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.errors import InputError
from groundglass.labels.rasterize import IGNORE_INDEX


@dataclass(frozen=True)
class Growth:
    """How far a click on a lesion speaks for what is around it.

    On the scale of brightness the median of the lungs in the click's slice is 0 and the click's pixel is 1.

    Args:
        radius: How far it reaches, as a share of the slice's longer side.
        lesion: What is at least this bright, and connected with the click, is lesion too.
        brightest: What is brighter than this is not: a vessel, or the chest wall.
        background: What is darker than this is background.
        contrast: A click that is brighter than the lungs by less than this, of the window, says nothing but itself.

    Raises:
        InputError: If a value makes no sense.
    """

    radius: float = 0.085
    lesion: float = 0.7
    brightest: float = 1.4
    background: float = 0.1
    contrast: float = 0.02

    def __post_init__(self) -> None:
        if not 0 < self.radius <= 1:
            raise InputError(f"recipe: grow.radius {self.radius}: give a share of the slice's side, above 0 to 1")
        if not self.background <= self.lesion <= 1 <= self.brightest:
            raise InputError("recipe: grow: background, lesion, 1 and brightest must rise in this order")
        if not 0 < self.contrast < 1:
            raise InputError(f"recipe: grow.contrast {self.contrast}: give a share of the window, between 0 and 1")


def grown(
    target: NDArray[np.uint8],
    clicks: NDArray[np.intp],
    image: NDArray[np.floating],
    lungs: NDArray[np.bool_],
    growth: Growth,
) -> NDArray[np.uint8]:
    """The target map with what the clicks on lesions say of the pixels around them.

    What was labeled stays. Where one click makes a pixel lesion and another background, it is lesion.

    Args:
        target: ``(D, H, W)``: 0 background, 1 lesion, 255 unlabeled.
        clicks: ``(P, 3)`` indices of the clicks on lesions.
        image: ``(D, H, W)`` in [0, 1].
        lungs: ``(D, H, W)``; nothing beyond them is labeled.
        growth: How far.

    Returns:
        A new map.

    Example:
        >>> image = np.zeros((1, 20, 20))
        >>> image[0, 5:9, 5:9] = 0.5
        >>> target = np.full(image.shape, 255, np.uint8)
        >>> lungs = np.ones(image.shape, bool)
        >>> int((grown(target, np.array([[0, 6, 6]]), image, lungs, Growth()) == 1).sum())
        9
    """
    lesion, background = np.zeros(target.shape, bool), np.zeros(target.shape, bool)
    for plane in np.unique(clicks[:, 0]):
        if lungs[plane].any():
            level = image[plane] - np.median(image[plane][lungs[plane]])
            for row, column in clicks[clicks[:, 0] == plane, 1:]:
                _grow_one(lesion[plane], background[plane], (row, column), level, lungs[plane], growth)
    new = np.where(lesion, 1, np.where(background, 0, IGNORE_INDEX))
    return np.where(target == IGNORE_INDEX, new, target).astype(np.uint8)


def _grow_one(
    lesion: NDArray[np.bool_],
    background: NDArray[np.bool_],
    click: tuple[int, int],
    level: NDArray[np.floating],
    lungs: NDArray[np.bool_],
    growth: Growth,
) -> None:
    """Add what one click says to the maps of its slice; ``level`` is the brightness above that of the lungs."""
    reach = growth.radius * max(level.shape)
    ends = [(max(math.ceil(at - reach), 0), math.floor(at + reach) + 1) for at in click]
    window = tuple(slice(start, min(end, size)) for (start, end), size in zip(ends, level.shape, strict=True))
    center = (click[0] - window[0].start, click[1] - window[1].start)
    height = float(level[click])
    if height < growth.contrast:
        return
    rows, columns = np.ogrid[window]
    near = np.hypot(rows - click[0], columns - click[1]) <= reach
    near &= lungs[window]
    share = level[window] / height
    lesion[window] |= _connected(near & (share >= growth.lesion) & (share <= growth.brightest), center)
    background[window] |= near & (share < growth.background)


def _connected(alike: NDArray[np.bool_], at: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels that hang together with the one clicked, which is one of them."""
    alike[at] = True
    parts, _ = ndimage.label(alike)
    return np.asarray(parts == parts[at])
