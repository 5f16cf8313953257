"""Which questions the labels of a case answer already, and by whom."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from groundglass.annotate.questions import Question
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import Scan

Box = list[list[float]]
TAGS = (SliceTag.kind, ScanTag.kind)


class Coverage:
    """The boxes that were answered: a click answers the region it lies in, "nothing here" the region it was said of,
    a lesion-free slice or scan every region of it. That a slice has a lesion answers no region.

    Of an annotator's tags of the same slice or scan the last one stands, and a slice's own tag before the scan's.

    Args:
        labels: Labels of one case, oldest first.
        scan: The case, in canonical orientation.
        tags: Kinds of tags that answer anything: a tag that nothing is learned from leaves its regions to be asked.
    """

    def __init__(self, labels: Iterable[Label], scan: Scan, *, tags: Collection[str] = TAGS) -> None:
        labels = list(labels)
        found = [(label, box) for label in labels if (box := _box(label, scan)) is not None]
        found += _healthy([label for label in labels if label.kind in tags], scan)
        self._labels = [label for label, _ in found]
        self._boxes = np.array([box for _, box in found]).reshape(-1, 2, 3)

    def annotators(self, question: Question) -> set[str]:
        """Who has answered a question."""
        return {label.annotator for label in self.answers(question)}

    def answers(self, question: Question) -> list[Label]:
        """What answers a question."""
        if not self._labels:
            return []
        lower = np.array([question.index, question.rows[0], question.columns[0]]) - 0.5
        upper = np.array([question.index + 1, question.rows[1], question.columns[1]]) - 0.5
        first, last = self._boxes[:, 0], self._boxes[:, 1]
        point = (first == last).all(axis=1)
        inside = ((first >= lower) & (last < upper)).all(axis=1)
        middle = (lower + upper) / 2
        around = ((first - 0.5 <= middle) & (middle <= last + 0.5)).all(axis=1)
        return [self._labels[number] for number in np.flatnonzero(np.where(point, inside, around))]


def _box(label: Label, scan: Scan) -> Box | None:
    """Indices of the first and last voxel that a point or region is about; equal for a click."""
    if isinstance(label, Point):
        index: list[float] = scan.to_indices(np.array([label.position]))[0].tolist()
        return [index, index]
    if isinstance(label, Region):
        corners = np.rint(scan.to_indices(np.array([label.lower, label.upper])))
        return [corners.min(axis=0).tolist(), corners.max(axis=0).tolist()]
    return None


def _healthy(tags: Iterable[Label], scan: Scan) -> Iterator[tuple[Label, Box]]:
    """The tags that say "no lesion" and still stand, each with the slices it stands for."""
    of_scan: dict[str, ScanTag] = {}
    of_slice: dict[tuple[str, int], SliceTag] = {}
    for tag in tags:
        if isinstance(tag, ScanTag):
            of_scan[tag.annotator] = tag
        elif isinstance(tag, SliceTag):
            index = round(float(scan.to_indices(np.array([tag.position]))[0, 0]))
            of_slice[tag.annotator, index] = tag
    depth, height, width = scan.shape
    standing: list[tuple[ScanTag | SliceTag, int]] = [(tag, index) for (_, index), tag in of_slice.items()]
    for name, tag in of_scan.items():
        standing += [(tag, index) for index in range(depth) if (name, index) not in of_slice]
    for tag, index in standing:
        if tag.label == 0:
            yield tag, [[index, 0, 0], [index, height - 1, width - 1]]
