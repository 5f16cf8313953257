"""Questions about the regions the current model is least sure of."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import cycle
from itertools import islice

from groundglass.annotate.model import CurrentModel
from groundglass.annotate.model import entropy
from groundglass.annotate.questions import IsClosed
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.questions import grid_boxes
from groundglass.annotate.questions import lung_pixels
from groundglass.annotate.questions import shows_lung
from groundglass.annotate.source import Image
from groundglass.errors import InputError

logger = logging.getLogger(__name__)

NEAR = 3
"""Slices around a question in which the same region is not asked again: neighbors say the same."""

Scored = tuple[float, Question]


class UncertainQuestions:
    """Regions by the mean entropy of the current model, from slices drawn at random; at random while there is no model.

    The pool is scored in the background when a model was loaded. The questions of the model before it, or random ones,
    are asked meanwhile.

    Args:
        model: The current model.
        otherwise: Asked while nothing has been scored, and when all that was scored has been answered.
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

    def refresh(self) -> threading.Thread:
        """Score a new pool with the current model, in the background."""
        self.ready.clear()
        thread = threading.Thread(target=self._refresh, daemon=True)
        thread.start()
        return thread

    def next(self, is_closed: IsClosed) -> Question | None:
        """The open region with the highest score."""
        for question in self.ranking:
            if not is_closed(question):
                return question
        return self.otherwise.next(is_closed)

    def _refresh(self) -> None:
        try:
            self.ranking = spread(sorted(self._scored(), key=lambda scored: -scored[0]))
        except InputError as error:
            logger.warning("the regions could not be scored: %s", error)
        finally:
            self.ready.set()

    def _scored(self) -> Iterator[Scored]:
        images = self.random.sample(self.images, len(self.images))
        rounds = islice(cycle(images), max(-(-self.pool // self.per_scan), 1))
        for image in rounds:
            for index in self._slices(image):
                yield from self._score_slice(image.case, index)

    def _slices(self, image: Image) -> list[int]:
        depth = self.otherwise.scans.get(image.case).scan.shape[0]
        slices = range(*(image.slices or (0, depth)))
        return sorted(self.random.sample(slices, min(self.per_scan, len(slices))))

    def _score_slice(self, case: str, index: int) -> Iterator[Scored]:
        scan = self.otherwise.scans.get(case)
        bits = entropy(self.model.probabilities(case, scan, index))
        lungs = lung_pixels(scan.voxels(index, index + 1)[0], scan.scan.intensity)
        for rows, columns in grid_boxes(bits.shape[0], bits.shape[1], self.otherwise.regions):
            question = Question(case, index, rows, columns)
            if shows_lung(lungs, question):
                yield float(bits[slice(*rows), slice(*columns)].mean()), question


def spread(ranked: Sequence[Scored]) -> list[Question]:
    """Questions by score, those whose region was chosen in a slice nearby put last."""
    chosen: list[Question] = []
    later: list[Question] = []
    taken: dict[tuple[str, tuple[int, int], tuple[int, int]], list[int]] = {}
    for _, question in ranked:
        indices = taken.setdefault((question.case, question.rows, question.columns), [])
        if any(abs(index - question.index) <= NEAR for index in indices):
            later.append(question)
        else:
            indices.append(question.index)
            chosen.append(question)
    return chosen + later
