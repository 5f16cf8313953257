"""Which questions the labels of a case answer already, and by whom."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from groundglass.annotate.questions import Question
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import Scan


class Coverage:
    """The boxes that were answered: a click answers the region it lies in, "nothing here" the region it was said of,
    a lesion-free slice or scan every region of it. That a slice has a lesion answers no region.

    Args:
        labels: Labels of one case.
        scan: The case, in canonical orientation.
    """

    def __init__(self, labels: Iterable[Label], scan: Scan) -> None:
        boxes, self._names = [], []
        for label in labels:
            if (corners := _corners(label, scan)) is not None:
                boxes.append(corners)
                self._names.append(label.annotator)
        self._boxes = np.array(boxes).reshape(-1, 2, 3)

    def annotators(self, question: Question) -> set[str]:
        """Who has answered a question."""
        if not self._names:
            return set()
        lower = np.array([question.index, question.rows[0], question.columns[0]]) - 0.5
        upper = np.array([question.index + 1, question.rows[1], question.columns[1]]) - 0.5
        first, last = self._boxes[:, 0], self._boxes[:, 1]
        point = (first == last).all(axis=1)
        inside = ((first >= lower) & (last < upper)).all(axis=1)
        middle = (lower + upper) / 2
        around = ((first - 0.5 <= middle) & (middle <= last + 0.5)).all(axis=1)
        return {self._names[number] for number in np.flatnonzero(np.where(point, inside, around))}


def _corners(label: Label, scan: Scan) -> list[list[float]] | None:
    """Indices of the first and last voxel an answer is about; equal for a click."""
    depth, height, width = scan.shape
    if isinstance(label, Point):
        index: list[float] = scan.to_indices(np.array([label.position]))[0].tolist()
        return [index, index]
    if isinstance(label, Region):
        corners = np.rint(scan.to_indices(np.array([label.lower, label.upper])))
        return [corners.min(axis=0).tolist(), corners.max(axis=0).tolist()]
    if isinstance(label, SliceTag) and label.label == 0:
        index_of = round(float(scan.to_indices(np.array([label.position]))[0, 0]))
        return [[index_of, 0, 0], [index_of, height - 1, width - 1]]
    if isinstance(label, ScanTag) and label.label == 0:
        return [[0, 0, 0], [depth - 1, height - 1, width - 1]]
    return None
