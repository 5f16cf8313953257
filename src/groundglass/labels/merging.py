"""Which points of a file a label store lacks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from groundglass.labels.events import Label
from groundglass.labels.events import Point

SAME_MM = 0.05
"""Points closer than this are one: other programs round positions, and nobody clicks twice that close."""

Group = tuple[str, int, str]
"""Case, label and annotator; no annotator stands for everybody."""


def lacking(
    points: Iterable[Point],
    labels_of: Callable[[str], Iterable[Label]],
    is_used: Callable[[str], bool],
    importer: str,
) -> list[Point]:
    """The points that are not there yet, ready to be appended.

    A point is there if the case has one of the same label at its place: of the annotator the file names, or of anybody
    if it names none. What was taken back is not there.

    Args:
        points: Points of a file; an empty annotator is one that the file does not name.
        labels_of: Labels of a case that count.
        is_used: Whether there ever was an event of an id.
        importer: Whose the points are of which the file does not say it.
    """
    found: dict[Point, Point] = {}
    ids: set[str] = set()
    there = _There(labels_of)
    for point in points:
        if point in found or there.holds(point):  # the first: the same line twice
            continue
        id = uuid.uuid4().hex if point.id in ids or is_used(point.id) else point.id
        ids.add(id)
        found[point] = replace(point, id=id, annotator=point.annotator or importer)
    return list(found.values())


class _There:
    """The points of a store by place."""

    def __init__(self, labels_of: Callable[[str], Iterable[Label]]) -> None:
        self.labels_of = labels_of
        self._cases: set[str] = set()
        self._trees: dict[Group, KDTree] = {}

    def holds(self, point: Point) -> bool:
        if point.case not in self._cases:
            self._cases.add(point.case)
            self._trees |= _trees(one for one in self.labels_of(point.case) if isinstance(one, Point))
        tree = self._trees.get((point.case, point.label, point.annotator))
        return tree is not None and bool(tree.query(point.position)[0] <= SAME_MM)


def _trees(points: Iterable[Point]) -> dict[Group, KDTree]:
    groups: dict[Group, list[Sequence[float]]] = {}
    for one in points:
        for annotator in (one.annotator, ""):
            groups.setdefault((one.case, one.label, annotator), []).append(one.position)
    return {group: KDTree(np.array(positions)) for group, positions in groups.items()}
