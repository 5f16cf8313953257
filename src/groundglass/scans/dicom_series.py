"""Which of many DICOM slices make up the scan."""

from __future__ import annotations

import logging
from collections import Counter
from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset

from groundglass.errors import InputError
from groundglass.scans.dicom_slice import Slice

logger = logging.getLogger(__name__)

CHEST_WORDS = ("CHEST", "THORAX", "LUNG")


class SeriesFacts(NamedTuple):
    """What can be told of a series without telling who the patient is: no description, which is free text.

    Args:
        number: SeriesNumber, or SeriesInstanceUID where there is none; ``--series`` takes either.
        slices: How many axial slices.
        size: Rows and columns.
        kernel: ConvolutionKernel; may be empty.
    """

    number: str
    slices: int
    size: tuple[int, int]
    kernel: str

    def __str__(self) -> str:
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        return f"{self.number or 'without a number'} ({self.slices} slices{kernel})"


class Choice(NamedTuple):
    """The slices of one series, what series there were, that one first, and what else was left out."""

    slices: list[Slice]
    found: tuple[SeriesFacts, ...]
    left_out: str


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The series a scan was read from, for writing DICOM objects that refer to it.

    The headers hold the patient's identity; a ``Scan`` does not, nor do ``found`` and ``left_out``.

    Args:
        headers: One dataset without pixels a slice, in the order of the scan's first axis.
        files: Their files' names, in the same order.
        found: All axial CT series there were, this one first.
        left_out: What other files there were, in words.
    """

    headers: tuple[Dataset, ...]
    files: tuple[str, ...]
    found: tuple[SeriesFacts, ...] = ()
    left_out: str = ""

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID; empty if it was removed from the files."""
        return str(self.headers[0].get("SeriesInstanceUID") or "")

    @property
    def frame_of_reference_uid(self) -> str:
        """FrameOfReferenceUID; empty if it was removed from the files."""
        return str(self.headers[0].get("FrameOfReferenceUID") or "")

    @property
    def description(self) -> str:
        """SeriesDescription; may be empty."""
        return str(self.headers[0].get("SeriesDescription") or "")


def choose_series(found: list[Slice | str], path: Path, wanted: str | None = None) -> Choice:
    """The slices of the wanted series, else of the chest CT with most slices; what is left out is logged.

    Slices of one series that differ in direction, size or pixel spacing count as several series, since no volume can
    hold them together.

    Args:
        found: For each file its slice, or why it is none.
        path: Where they come from, for messages.
        wanted: SeriesInstanceUID, SeriesNumber or SeriesDescription.

    Raises:
        InputError: If there is no axial CT, none is the wanted one, or several patients' scans are mixed.
    """
    reasons = _count(one for one in found if isinstance(one, str))
    groups = _ranked([one for one in found if isinstance(one, Slice)])
    if not groups:
        raise InputError(f"{path}: no axial CT slices to read ({reasons or 'empty'}); give a chest CT")
    chosen = groups
    if wanted is not None:
        chosen = [group for group in groups if _is_wanted(group[0], wanted)]
    elif len({group[0].series.patient for group in groups} - {""}) > 1:
        raise InputError(f"{path}: holds scans of several patients; give the folder of one, or choose a series")
    if not chosen:
        raise InputError(f"{path}: has no axial CT series {wanted!r}; choose one of: {_list(groups)}")
    others = [group for group in groups if group is not chosen[0]]
    if len(chosen) > 1:
        logger.warning("%s: reading series %s; not reading: %s", path, _list(chosen[:1]), _list(chosen[1:]))
    if reasons:
        logger.warning("%s: left out: %s", path, reasons)
    return Choice(chosen[0], tuple(map(_facts, [chosen[0], *others])), reasons)


def _ranked(slices: list[Slice]) -> list[list[Slice]]:
    """Stackable groups: chest first, then most slices, then by number, so that file names never decide."""
    groups: dict[Hashable, list[list[Slice]]] = defaultdict(list)
    for one in slices:
        alike = next((group for group in groups[one.group] if group[0].lies_like(one)), None)
        if alike is None:
            groups[one.group].append([one])
        else:
            alike.append(one)

    def rank(group: list[Slice]) -> tuple[bool, int, str, str]:
        tags = group[0].series
        is_chest = any(word in tags.about for word in CHEST_WORDS)
        return not is_chest, -len(group), tags.number.zfill(12), tags.uid

    return sorted(chain.from_iterable(groups.values()), key=rank)


def _is_wanted(one: Slice, wanted: str) -> bool:
    tags = one.series
    return wanted in (tags.uid, tags.number) or wanted.casefold() == tags.description.casefold()


def _list(groups: list[list[Slice]]) -> str:
    return "; ".join(str(_facts(group)) for group in groups)


def _facts(group: list[Slice]) -> SeriesFacts:
    first = group[0]
    kernel = str(first.header.get("ConvolutionKernel") or "")
    return SeriesFacts(first.series.number or first.series.uid, len(group), first.shape, kernel)


def _count(reasons: Iterable[str]) -> str:
    counts = Counter(reasons)
    return "; ".join(f"{count} x {reason}" if count > 1 else reason for reason, count in counts.items())
