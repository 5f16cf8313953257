"""What is asked next: regions of slices, from whoever chooses them."""

from __future__ import annotations

import random
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.active.regions import LUNG_SHARE
from groundglass.active.regions import Regions
from groundglass.annotate.image import Image
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.scans import OpenScans
from groundglass.errors import InputError
from groundglass.scans.scan import Intensity

Span = tuple[int, int]

PER_SCAN = 10
"""Random questions about a scan before another is opened: a person need not find the way anew each time."""

TISSUE_HU = -400
OUTSIDE_HU = -930


@dataclass(frozen=True, eq=False)
class Question:
    """Is there lesion in this box? Indices are those of the scan in canonical orientation.

    Args:
        case: Name of the case.
        index: The slice.
        rows: First and past-the-last row.
        columns: First and past-the-last column.
        uncertainty: Uncertainty of the whole slice, ``(H, W)`` in [0, 1], or ``None`` to take the current model's.
    """

    case: str
    index: int
    rows: Span
    columns: Span
    uncertainty: NDArray[np.floating[Any]] | None = None

    @property
    def key(self) -> str:
        """The same for the same box, in every process."""
        return "/".join(map(str, (self.case, self.index, *self.rows, *self.columns)))


IsClosed = Callable[[Question], bool]


class QuestionSource(Protocol):
    """Chooses questions. The annotator asks it from one thread at a time."""

    def next(self, is_closed: IsClosed) -> Question | None:
        """The best question for which ``is_closed`` is false, or ``None`` if there is none left.

        What was returned before may be returned again while it is open.

        Args:
            is_closed: Whether a question has been answered, was skipped, or is being looked at by somebody else.
        """


def question_at(
    case: str, index: int, regions: Regions, region: int, uncertainty: NDArray[np.floating[Any]] | None = None
) -> Question:
    """The question about one of a slice's regions."""
    rows, columns = regions.box(region)
    return Question(case, index, (rows.start, rows.stop), (columns.start, columns.stop), uncertainty)


def lung_pixels(image: NDArray[Any], intensity: Intensity) -> NDArray[np.bool_]:
    """Roughly the lungs of a slice ``(H, W)``: what is no tissue within the body.

    Solid lesions that touch the chest wall are left out, but some lung around them suffices for a region. In a slice
    without air at its rim, which was cropped, it is all that is neither tissue nor air; in 8 bits all but black.
    """
    if intensity != "hu":
        return np.asarray(image > 0)
    tissue = image > TISSUE_HU
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if np.median(rim) > OUTSIDE_HU:
        return np.asarray(~tissue & (image > OUTSIDE_HU))
    parts, count = ndimage.label(tissue)
    if not count:
        return np.zeros(image.shape, bool)
    body = parts == np.bincount(parts.ravel())[1:].argmax() + 1  # the table is another, smaller part
    return np.asarray(ndimage.binary_fill_holes(body) & ~body)


def shows_lung(lungs: NDArray[np.bool_], question: Question) -> bool:
    """Whether a region is worth asking about.

    Args:
        lungs: :func:`lung_pixels` of its slice.
        question: The region.
    """
    return float(lungs[slice(*question.rows), slice(*question.columns)].mean()) >= LUNG_SHARE


class RandomQuestions:
    """Regions drawn at random, ten of a scan before the next scan. Scans that cannot be read are left out.

    Args:
        scans: Opens them.
        images: The cases to ask about.
        regions: Regions a slice, a perfect square.
        seed: Seed of the order.
    """

    def __init__(self, scans: OpenScans, images: Sequence[Image], *, regions: int = 64, seed: int = 0) -> None:
        self.scans = scans
        self.images = list(images)
        self.regions = regions
        self.random = random.Random(seed)
        self._asked = 0
        self._orders: dict[tuple[str, int, int, int], list[int]] = {}

    def next(self, is_closed: IsClosed) -> Question | None:
        """The first region that is open, in an order drawn once for each scan."""
        for _ in range(len(self.images)):
            found = self._if_readable(self.images[0], is_closed)
            self._asked += 1
            if found is None or self._asked % PER_SCAN == 0:
                self.images.append(self.images.pop(0))
            if found is not None:
                return found
        return None

    def _if_readable(self, image: Image, is_closed: IsClosed) -> Question | None:
        if image.case in self.scans.left_out:
            return None
        try:
            return self._in_scan(image, is_closed)
        except InputError as error:
            self.scans.left_out.add(image.case, error)
            return None

    def _in_scan(self, image: Image, is_closed: IsClosed) -> Question | None:
        scan = self.scans.read(image.case)
        depth, height, width = scan.scan.shape
        regions = Regions.of((height, width), self.regions)
        first, last = image.slices or (0, depth)
        count = (last - first) * len(regions)
        key = (image.case, depth, height, width)  # a file that is replaced may have another size
        order = self._orders.setdefault(key, self.random.sample(range(count), count))
        dull: set[int] = set()
        found = None
        for number in order:
            question = question_at(image.case, first + number // len(regions), regions, number % len(regions))
            if is_closed(question):
                continue
            if self._shows_lung(scan, question):
                found = question
                break
            dull.add(number)
        self._orders[key] = [number for number in order if number not in dull] if dull else order
        return found

    def _shows_lung(self, scan: OpenScan, question: Question) -> bool:
        image = scan.voxels(question.index, question.index + 1)[0]
        return shows_lung(lung_pixels(image, scan.scan.intensity), question)
