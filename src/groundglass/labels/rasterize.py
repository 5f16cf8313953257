"""From label events to a target map."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import apply_affine

IGNORE_INDEX = 255
UNKNOWN_TAG = -1

RIM = 0.51
"""How far from a pixel's center a label on it can be, in pixels: half of one, and what rounding in mm adds."""

REMEDY = "remove its line from the dataset's labels.jsonl, or retract it there"

MaskReader = Callable[[MaskLabel], NDArray[np.bool_]]


def rasterize(
    labels: Iterable[Label],
    *,
    affine: NDArray[np.floating[Any]],
    shape: tuple[int, int, int],
    read_mask: MaskReader,
    margin: tuple[float, float, float] = (0, 0, 0),
) -> NDArray[np.uint8]:
    """The target map of a case: 0 background, 1 lesion, 255 unlabeled.

    Slices tagged "no lesion" come first, then masks, regions, background points and last lesion points, so that the
    more exact answer stands where two of them meet. Of several tags of a slice the last one stands.

    Args:
        labels: Events of one case.
        affine: ``(4, 4)`` index of the target map to LPS mm; need not be the grid of the file.
        shape: ``(D, H, W)`` of the target map.
        read_mask: Gives a mask event's lesions on this grid, ``(D, H, W)`` bool.
        margin: Pixels ``(d, h, w)`` the image goes on beyond a cropped map; labels there are left out.

    Raises:
        InputError: If a label lies outside the image.
    """
    target = np.full(shape, IGNORE_INDEX, np.uint8)
    to_index, labels = np.linalg.inv(affine), list(labels)
    target[_own_tags(labels, to_index, shape[0], margin[0]) == 0] = 0
    for label in sorted(labels, key=_exactness):
        if isinstance(label, MaskLabel):
            covered = slice(*label.slices) if label.slices else slice(None)
            target[covered] = read_mask(label)[covered]
        elif isinstance(label, Region):
            corners = [_index(to_index, position, shape, margin, label) for position in (label.lower, label.upper)]
            first, last = np.min(corners, axis=0), np.max(corners, axis=0)
            target[tuple(slice(max(a, 0), max(b + 1, 0)) for a, b in zip(first, last, strict=True))] = label.label
        elif isinstance(label, Point):
            index = _index(to_index, label.position, shape, margin, label)
            if (index >= 0).all() and (index < shape).all():
                target[tuple(index)] = label.label
    return target


def lesion_clicks(
    labels: Iterable[Label],
    *,
    affine: NDArray[np.floating[Any]],
    shape: tuple[int, int, int],
    margin: tuple[float, float, float] = (0, 0, 0),
) -> NDArray[np.intp]:
    """``(P, 3)`` indices of the clicks on lesions, without those beside a cropped map; see :func:`rasterize`."""
    points = [label for label in labels if isinstance(label, Point) and label.label == 1]
    to_index = np.linalg.inv(affine)
    found = np.array([_index(to_index, label.position, shape, margin, label) for label in points], np.intp)
    found = found.reshape(-1, 3)
    return found[((found >= 0) & (found < shape)).all(axis=1)]


def _exactness(label: Label) -> int:
    if isinstance(label, Point):
        return 3 + label.label
    return 2 if isinstance(label, Region) else int(isinstance(label, MaskLabel))


def _index(
    to_index: NDArray[np.floating[Any]],
    position: tuple[float, float, float],
    shape: tuple[int, ...],
    margin: tuple[float, ...],
    label: Label,
) -> NDArray[np.intp]:
    """The pixel at ``position``, in the map or in the margin around it."""
    exact = apply_affine(to_index, np.array([position]))[0]
    nearest, inside = np.rint(exact), np.rint(exact).clip(0, np.array(shape) - 1)
    beyond = np.abs(exact - inside)
    if not (beyond <= RIM + np.array(margin)).all():
        raise InputError(f"case {label.case}: label {label.id} at {position} mm lies outside the image; {REMEDY}")
    return np.asarray(np.where(beyond <= RIM, inside, nearest), np.intp)


def is_outside(label: Label, *, affine: NDArray[np.floating[Any]], shape: tuple[int, ...]) -> bool:
    """Whether a click, region or slice tag lies outside the image, so that :func:`rasterize` would refuse it."""
    to_index = np.linalg.inv(affine)
    positions = {Point: ("position",), Region: ("lower", "upper")}.get(type(label), ())
    try:
        for name in positions:
            _index(to_index, getattr(label, name), shape, (0, 0, 0), label)
        if isinstance(label, SliceTag):
            _tagged(label, to_index, shape[0], 0)
    except InputError:
        return True
    return False


def slice_tags(labels: Iterable[Label], *, affine: NDArray[np.floating[Any]], depth: int) -> NDArray[np.int8]:
    """Tag of each slice, ``(D,)``: 1 lesion, 0 none, -1 unknown.

    A slice without a tag of its own is known from the scan's tag only if the scan is healthy, or has no other slice.
    """
    labels = list(labels)
    tags = _own_tags(labels, np.linalg.inv(affine), depth)
    whole = scan_tag(labels)
    if whole == 0 or depth == 1:
        tags[tags == UNKNOWN_TAG] = whole
    return tags


def _own_tags(
    labels: Iterable[Label], to_index: NDArray[np.floating[Any]], depth: int, margin: float = 0
) -> NDArray[np.int8]:
    """The last answer for each slice that was tagged itself, -1 for the others; tags beside a crop are left out."""
    tags = np.full(depth, UNKNOWN_TAG, np.int8)
    for label in labels:
        if isinstance(label, SliceTag) and 0 <= (index := _tagged(label, to_index, depth, margin)) < depth:
            tags[index] = label.label
    return tags


def _tagged(label: SliceTag, to_index: NDArray[np.floating[Any]], depth: int, margin: float) -> int:
    """Index of the slice that is tagged, in the map or in the margin around it."""
    exact = float(apply_affine(to_index, np.array([label.position]))[0, 0])
    inside = min(max(round(exact), 0), depth - 1)
    if abs(exact - inside) > RIM + margin:
        raise InputError(f"case {label.case}: slice tag {label.id} lies outside the image; {REMEDY}")
    return inside if abs(exact - inside) <= RIM else round(exact)


def scan_tag(labels: Iterable[Label]) -> int:
    """Tag of a whole scan: 1 diseased, 0 healthy, -1 unknown; the last answer stands."""
    tags = [label.label for label in labels if isinstance(label, ScanTag)]
    return tags[-1] if tags else UNKNOWN_TAG
