"""Which pixels LCFCN pushes up and down, and how hard: counted in NumPy, without a gradient."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.losses.watershed_split import Box
from groundglass.losses.watershed_split import edges
from groundglass.losses.watershed_split import flood
from groundglass.losses.watershed_split import split

Variant = Literal["released", "paper"]
Weights = NDArray[np.float32]
EIGHT = np.ones((3, 3), np.int8)


def pixel_weights(
    probability: NDArray[np.float32], relief: NDArray[np.float32], lesion: NDArray[np.bool_], variant: Variant
) -> tuple[Weights, Weights]:
    """Weights of one image: LCFCN is ``sum(up * -log p) + sum(down * -log(1 - p))``.

    Args:
        probability: ``(H, W)`` lesion probabilities.
        relief: ``(H, W)`` black top-hat of them, which the watershed floods.
        lesion: ``(H, W)`` pixels clicked as lesion; touching ones count as one click.
        variant: See :func:`groundglass.losses.lcfcn.lcfcn_loss`.

    Returns:
        ``up`` and ``down``, each ``(H, W)``, 0 or more.
    """
    clicks, count = ndimage.label(lesion, EIGHT)
    at = np.flatnonzero(clicks)
    blobs, _ = ndimage.label(probability > 0.5, EIGHT)
    boxes = ndimage.find_objects(blobs)
    inside = _clicks_of_blobs(len(boxes), blobs.flat[at], clicks.flat[at])
    up, down = np.zeros_like(probability), np.zeros_like(probability)
    _image_level(probability, lesion, up, down, variant)
    numbers = clicks.flat[at]
    up.flat[at] += 1 / np.bincount(numbers)[numbers]
    if count > 1:
        _split_level(relief, clicks, at, blobs, boxes, inside, down, variant)
    _false_positives(blobs, boxes, inside, down, variant)
    return up, down


def _clicks_of_blobs(blobs: int, blob_at: NDArray[np.int32], click_at: NDArray[np.int32]) -> NDArray[np.intp]:
    """Number of clicks in each blob, ``(blobs + 1,)``; the first entry, the background's, is 0."""
    count = np.zeros(blobs + 1, np.intp)
    for blob, _ in set(zip(blob_at.tolist(), click_at.tolist(), strict=True)):
        count[blob] += blob > 0
    return count


def _image_level(
    probability: NDArray[np.float32], lesion: NDArray[np.bool_], up: Weights, down: Weights, variant: Variant
) -> None:
    """At least one pixel is background, and one lesion if there is a click (``paper``: none if there is none)."""
    if not lesion.all():
        down.flat[probability.argmin()] += 1
    if lesion.any():
        up.flat[probability.argmax()] += 1
    elif variant == "paper":
        down.flat[probability.argmax()] += 1


def _split_level(
    relief: NDArray[np.float32],
    clicks: NDArray[np.int32],
    at: NDArray[np.intp],
    blobs: NDArray[np.int32],
    boxes: list[Box],
    inside: NDArray[np.intp],
    down: Weights,
    variant: Variant,
) -> None:
    """Watershed boundaries between the clicks, of the whole image and of each blob with several of them."""
    basins = flood(relief, clicks)
    cuts = [(edges(basins), int(clicks.flat[at].max()))]
    for number in np.flatnonzero(inside > 1).tolist():
        cuts.append((split(relief, clicks, at, basins, blobs, number, boxes[number - 1]), int(inside[number])))
    if variant == "paper":
        drawn = np.logical_or.reduce([cut for cut, _ in cuts])
        down[drawn] += inside[blobs[drawn]]
        return
    for cut, several in cuts:
        if size := np.count_nonzero(cut):
            down[cut] += (several - 1) / size


def _false_positives(
    blobs: NDArray[np.int32], boxes: list[Box], inside: NDArray[np.intp], down: Weights, variant: Variant
) -> None:
    """Blobs without a click."""
    for number, box in enumerate(boxes, start=1):
        if not inside[number]:
            blob = blobs[box] == number
            down[box][blob] += 1 / np.count_nonzero(blob) if variant == "released" else 1
