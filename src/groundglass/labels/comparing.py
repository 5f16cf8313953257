"""What two annotators said of the same thing: clicks nearby, regions and tags."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Position
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import apply_affine

Inverse = NDArray[np.float64] | None
"""From LPS mm to indices, slices first; ``None`` where it is not known."""

ToIndex = Callable[[str], Inverse]
"""That of a case."""


def _lesions(labels: Iterable[Label]) -> dict[str, list[Position]]:
    found: dict[str, list[Position]] = {}
    for label in labels:
        if isinstance(label, Point) and label.label == 1:
            found.setdefault(label.case, []).append(label.position)
    return found


def matches(labels: list[Label], others: list[Label], within_mm: float) -> list[bool]:
    """For each lesion click: has the other one clicked a lesion nearby?"""
    own, their = _lesions(labels), _lesions(others)
    matched: list[bool] = []
    for case in own.keys() & their.keys():
        distances = np.linalg.norm(np.array(own[case])[:, None] - np.array(their[case])[None], axis=2)
        matched += (distances.min(axis=1) <= within_mm).tolist()
    return matched


def _empty(labels: Iterable[Label]) -> dict[str, list[Region]]:
    found: dict[str, list[Region]] = {}
    for label in labels:
        if isinstance(label, Region) and label.label == 0:
            found.setdefault(label.case, []).append(label)
    return found


def same_regions(labels: list[Label], others: list[Label], grid: ToIndex) -> list[bool]:
    """For each "nothing here" that the other answered as well: did the other see nothing either?"""
    own, their, clicks = _empty(labels), _empty(others), _lesions(others)
    same: list[bool] = []
    for case in own.keys() & (their.keys() | clicks.keys()):
        to_index = grid(case)
        boxes, answered = _boxes(own[case], to_index), {_key(box) for box in _boxes(their.get(case, []), to_index)}
        for box, clicked in zip(boxes, _holds(boxes, clicks.get(case, []), to_index), strict=True):
            if clicked or _key(box) in answered:
                same.append(not clicked)
    return same


def _boxes(regions: list[Region], to_index: Inverse) -> NDArray[np.float64]:
    """First and last voxel of each region, ``(N, 2, 3)``; in mm, to 0.1, where the grid is not known."""
    corners = np.array([(region.lower, region.upper) for region in regions]).reshape(-1, 3)
    found = np.round(corners, 1) if to_index is None else np.rint(apply_affine(to_index, corners))
    return np.sort(found.reshape(-1, 2, 3), axis=1)


def _key(box: NDArray[np.float64]) -> Hashable:
    return tuple(box.ravel().tolist())


def _holds(boxes: NDArray[np.float64], clicks: list[Position], to_index: Inverse) -> list[bool]:
    """For each region: is there a click in one of its voxels?"""
    if to_index is None or not clicks:
        return [False] * len(boxes)
    at = apply_affine(to_index, np.array(clicks))[None]
    near = (boxes[:, :1] - 0.5 <= at) & (at <= boxes[:, 1:] + 0.5)
    return [bool(inside.all(axis=1).any()) for inside in near]


def tags(labels: Iterable[Label], grid: ToIndex) -> dict[Hashable, int]:
    """Tags by what they are of; the last word counts."""
    found: dict[Hashable, int] = {}
    for label in labels:
        if isinstance(label, SliceTag):
            found[label.case, "slice", _slice(label, grid(label.case))] = label.label
        elif isinstance(label, ScanTag):
            found[label.case, "scan"] = label.label
    return found


def _slice(tag: SliceTag, to_index: Inverse) -> Hashable:
    """A slice's number; where the grid is not known, its place: tags of one slice are at one place."""
    if to_index is None:
        return tuple(round(value, 2) for value in tag.position)
    return round(float(apply_affine(to_index, np.array([tag.position]))[0, 0]))
