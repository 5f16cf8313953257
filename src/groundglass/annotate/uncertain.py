"""Questions about the regions the current model is least sure of, scored and chosen as in active learning."""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.active.regions import LUNG_SHARE
from groundglass.active.regions import Regions
from groundglass.active.selection import Neighborhood
from groundglass.active.selection import choose
from groundglass.annotate.image import Image
from groundglass.annotate.model import CurrentModel
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.questions import IsClosed
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.questions import lung_pixels
from groundglass.annotate.questions import question_at
from groundglass.errors import InputError

logger = logging.getLogger(__name__)

TOGETHER = 2
"""Slices scored at a time: masks and heat maps that somebody wants to see wait for no more."""

RANKED = 200
"""Questions chosen from a pool; when all are answered, another pool is scored."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A slice of the pool: the scores of its regions ``(K,)``, which of them show lung, and its map ``(H, W)``."""

    case: str
    index: int
    regions: Regions
    scores: NDArray[np.float64]
    is_open: NDArray[np.bool_]
    uncertainty: NDArray[np.floating[Any]]


class UncertainQuestions:
    """Regions by their mean uncertainty, from slices drawn at random; at random while there is no model.

    The pool is scored in the background when a model was loaded, and again when all its questions are answered; the
    questions before, or random ones, are asked meanwhile. Scans are borrowed for it, so that those people have open
    stay open, and one that cannot be read is left out.

    Args:
        model: The current model.
        otherwise: Asked while nothing has been scored.
        images: The cases to ask about.
        pool: Slices to score.
        per_scan: Slices of a scan: opening one takes longer than scoring a slice.
    """

    def __init__(
        self,
        model: CurrentModel,
        otherwise: RandomQuestions,
        images: Sequence[Image],
        *,
        pool: int = 48,
        per_scan: int = 12,
    ) -> None:
        self.model = model
        self.otherwise = otherwise
        self.images = list(images)
        self.pool = pool
        self.per_scan = per_scan
        self.random = random.Random(otherwise.regions)
        self.ranking: list[Question] = []
        self.ready = threading.Event()
        self.notices: list[str] = []
        self._asked = False
        self._scoring = 0

    def refresh(self) -> threading.Thread:
        """Score a new pool with the current model, in the background."""
        self.ready.clear()
        self._scoring += 1
        thread = threading.Thread(target=self._refresh, args=(self._scoring,), daemon=True)
        thread.start()
        return thread

    def next(self, is_closed: IsClosed) -> Question | None:
        """The open region that comes first."""
        for question in self.ranking:
            if not is_closed(question):
                self._asked = True
                return question
        if self._asked:  # something of it has been answered since it was made: another pool may hold more
            self._asked = False
            self.refresh()
        return self.otherwise.next(is_closed)

    def _refresh(self, number: int) -> None:
        notices: list[str] = []
        try:
            ranking = ranked(list(self._scored()))
        except InputError as error:
            logger.warning("the regions could not be scored: %s", error)
            ranking, notices = [], [f"the regions could not be scored, so questions are drawn at random: {error}"]
        if number == self._scoring:  # else a later model's scoring has begun, which will set it
            self.ranking, self._asked, self.notices = ranking or self.ranking, False, notices
            self.ready.set()

    def _scored(self) -> Iterator[Scored]:
        images = self.random.sample(self.images, len(self.images))
        visits = islice(cycle(images), max(-(-self.pool // self.per_scan), 1))
        for image, times in Counter(visits).items():
            if (scan := self._borrow(image.case)) is None:
                continue
            indices = self._slices(image, scan, times * self.per_scan)
            for start in range(0, len(indices), TOGETHER):
                yield from self._score(image.case, scan, indices[start : start + TOGETHER])

    def _borrow(self, case: str) -> OpenScan | None:
        """A scan that has been read to its end, so that what goes wrong from now on is not the file's fault."""
        scans = self.otherwise.scans
        if case in scans.left_out:
            return None
        try:
            scan = scans.borrow(case)
            scan.lungs()
        except InputError as error:
            scans.left_out.add(case, error)
            return None
        return scan

    def _slices(self, image: Image, scan: OpenScan, count: int) -> list[int]:
        slices = range(*(image.slices or (0, scan.scan.shape[0])))
        return sorted(self.random.sample(slices, min(count, len(slices))))

    def _score(self, case: str, scan: OpenScan, indices: list[int]) -> Iterator[Scored]:
        maps = self.model.uncertainties(case, scan, indices)
        lungs = [lung_pixels(scan.voxels(index, index + 1)[0], scan.scan.intensity) for index in indices]
        regions = Regions.of(scan.scan.shape[1:], self.otherwise.regions)
        scores, shares = regions.reduce(maps), regions.reduce(np.stack(lungs))
        for number, index in enumerate(indices):
            shown = maps[number].astype(np.float16)  # kept as long as its questions are
            yield Scored(case, index, regions, scores[number], shares[number] >= LUNG_SHARE, shown)


def ranked(pool: Sequence[Scored], count: int = RANKED) -> list[Question]:
    """The questions with the highest scores, neighbors put last, as a cycle of active learning chooses them."""
    if not pool:
        return []
    numbers = {name: number for number, name in enumerate(dict.fromkeys(one.case for one in pool))}
    case, index = np.array([numbers[one.case] for one in pool]), np.array([one.index for one in pool])
    chosen = choose(
        np.stack([one.scores for one in pool]),
        np.stack([one.is_open for one in pool]),
        count,
        per_image=None,
        apart=Neighborhood(case, index, pool[0].regions.side),
    )
    found = [(pool[image], region) for image, region in chosen]
    return [question_at(one.case, one.index, one.regions, region, one.uncertainty) for one, region in found]
