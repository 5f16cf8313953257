"""What the tags of a dataset say, where they contradict each other, and which labels lie outside their scan."""

from __future__ import annotations

from collections import Counter
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.labels.events import Label
from groundglass.labels.events import SliceTag
from groundglass.labels.rasterize import UNKNOWN_TAG
from groundglass.labels.rasterize import is_outside
from groundglass.labels.rasterize import scan_tag
from groundglass.labels.rasterize import slice_tags
from groundglass.scans.nifti import nifti_affine
from groundglass.scans.nifti import nifti_shape

SLICES = {1: "lesion", 0: "none", UNKNOWN_TAG: "untagged"}
RECORDED = {"slice-tags": "slice_tags", "scan-tags": "tag"}
"""Kinds of labels that a record may have, as ``groundglass prepare --labels`` calls them, and a case's field."""

SCANS = {1: "diseased", 0: "healthy", UNKNOWN_TAG: "untagged"}


@dataclass(frozen=True, eq=False)
class Labeled:
    """A case with its labels and the grid that its image's header has.

    Args:
        case: The case.
        labels: Its labels.
        affine: ``(4, 4)`` index to LPS mm.
        shape: ``(D, H, W)``.
    """

    case: Case
    labels: Sequence[Label]
    affine: NDArray[np.float64]
    shape: tuple[int, ...]

    @cached_property
    def outside(self) -> list[Label]:
        """Labels outside the image, which training refuses."""
        return [label for label in self.labels if is_outside(label, affine=self.affine, shape=self.shape)]

    def tags(self, *, own: bool = False) -> list[int]:
        """Tags of the slices of the case's part of its scan, see :func:`slice_tags`; or their ``own`` alone."""
        outside = {label.id for label in self.outside}
        labels = [one for one in self.labels if one.id not in outside and (isinstance(one, SliceTag) or not own)]
        first, last = self.case.slices or (0, self.shape[0])
        tags: list[int] = slice_tags(labels, affine=self.affine, depth=self.shape[0])[first:last].tolist()
        return tags


def labeled(folder: DatasetFolder, cases: Iterable[Case], by_case: Mapping[str, Sequence[Label]]) -> list[Labeled]:
    """Cases with their labels; of their images the headers alone are read.

    Raises:
        InputError: If an image cannot be read.
    """
    images = [(case, folder.root / case.image) for case in cases]
    return [
        Labeled(case, by_case.get(case.case, []), nifti_affine(image), nifti_shape(image)) for case, image in images
    ]


def count_slice_tags(cases: Iterable[Labeled]) -> dict[str, int]:
    """How many slices are tagged ``lesion``, ``none`` or ``untagged``, as a method on slice tags sees them."""
    return _counted([tag for one in cases for tag in one.tags()], SLICES)


def count_scan_tags(cases: Iterable[Labeled]) -> dict[str, int]:
    """How many scans are tagged ``diseased``, ``healthy`` or ``untagged``; parts of one scan count once."""
    by_name = {one.case.case: one.labels for one in cases}
    return _counted([scan_tag(labels) for labels in by_name.values()], SCANS)


def _counted(tags: Iterable[int], names: Mapping[int, str]) -> dict[str, int]:
    count = Counter(tags)
    return {name: count[tag] for tag, name in names.items()}


def contradictions(cases: Iterable[Labeled]) -> Counter[str]:
    """Slices tagged "lesion" by name of the case, in scans that are tagged healthy."""
    found: Counter[str] = Counter()
    for one in cases:
        if scan_tag(one.labels) == 0:
            found[one.case.case] += one.tags(own=True).count(1)
    return +found


def training_contradictions(folder: DatasetFolder, labels: Sequence[Label]) -> Counter[str]:
    """:func:`contradictions` of the training cases; headers are read only of scans that are tagged both ways.

    Raises:
        InputError: If such an image cannot be read.
    """
    by_case: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_case[label.case].append(label)
    lesion = {label.case for label in labels if isinstance(label, SliceTag) and label.label == 1}
    suspects = [one for one in folder.split.training if one.case in lesion and scan_tag(by_case[one.case]) == 0]
    return contradictions(labeled(folder, suspects, by_case))


def contradiction_sentence(found: Counter[str]) -> str:
    """What is wrong and what to do, with the numbers and the first case."""
    scans, slices = _many(len(found), "training scan"), _many(found.total(), "slice")
    return (
        f"{scans} tagged healthy with {slices} tagged lesion, first case {next(iter(found))}: the slices' own tags "
        "count where there are any; correct the one or the other"
    )


def outside_sentence(outside: Sequence[Label]) -> str:
    """How many labels lie outside their scans, with the first case."""
    return (
        f"{_many(len(outside), 'label')} outside the scan, first case {outside[0].case}: training refuses such labels; "
        "undo them in the annotator, or remove them from labels.jsonl"
    )


def left_out_sentence(folder: DatasetFolder, unlabeled: Sequence[Case], kinds: Sequence[str]) -> str:
    """Where tags of one kind are wanted: cases that get none, as their record has the other kind; or nothing."""
    for wanted, other in (("slice-tags", "scan-tags"), ("scan-tags", "slice-tags")):
        count = sum(getattr(case, RECORDED[other]) is not None for case in unlabeled)
        if count and wanted in kinds and other not in kinds:
            return (
                f"{folder.root}: {other} are on record of {_many(count, 'training case')} without a mask, and no "
                f"{wanted}; make labels of them with 'groundglass prepare {folder.root} --labels {other}'"
            )
    return ""


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
