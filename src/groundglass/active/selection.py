"""Which regions of the pool are asked next, by their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR_SLICES = 3
"""Slices around an asked region in which the same place is not asked in the same cycle: neighbors say the same."""

Asked = tuple[int, int]
"""Number of a slice in the pool, and of a region in the slice."""


@dataclass(frozen=True)
class Neighborhood:
    """Which regions of a pool show nearly the same.

    Args:
        case: ``(N,)`` number of each slice's case.
        index: ``(N,)`` number of each slice in its case.
        side: Regions in a row.
    """

    case: NDArray[Any]
    index: NDArray[Any]
    side: int

    def near(self, one: Asked, other: Asked) -> bool:
        """Whether two regions touch, in one slice or in slices close by."""
        if self.case[one[0]] != self.case[other[0]] or abs(self.index[one[0]] - self.index[other[0]]) > NEAR_SLICES:
            return False
        rows = divmod(one[1], self.side), divmod(other[1], self.side)
        return max(abs(a - b) for a, b in zip(*rows, strict=True)) <= 1


def choose(
    scores: NDArray[np.float64],
    is_open: NDArray[np.bool_],
    count: int,
    *,
    per_image: int | None = 1,
    image_scores: NDArray[np.float64] | None = None,
    apart: Neighborhood | None = None,
) -> list[Asked]:
    """The best open regions; fewer than ``count`` only if fewer are open and allowed.

    Args:
        scores: ``(N, K)`` of every region of every slice.
        is_open: ``(N, K)`` which may be asked.
        count: How many to choose.
        per_image: Most regions of one slice (1 in the paper), or ``None`` for any number.
        image_scores: ``(N,)``: rank the slices by these first, and by ``scores`` only the regions within (the
            paper's code); otherwise a region's own score counts.
        apart: Take a region beside a chosen one only when no other is left.
    """
    chosen: list[Asked] = []
    later: list[Asked] = []
    taken: dict[int, int] = {}
    for candidate in _ranked(scores, is_open, image_scores):
        if len(chosen) == count:
            return chosen
        if per_image is not None and taken.get(candidate[0], 0) >= per_image:
            continue
        if apart is not None and any(apart.near(candidate, other) for other in chosen):
            later.append(candidate)
            continue
        chosen.append(candidate)
        taken[candidate[0]] = taken.get(candidate[0], 0) + 1
    return chosen + list(_filled_up(later, taken, count - len(chosen), per_image))


def _filled_up(later: list[Asked], taken: dict[int, int], count: int, per_image: int | None) -> Iterator[Asked]:
    for candidate in later:
        if count > 0 and (per_image is None or taken.get(candidate[0], 0) < per_image):
            taken[candidate[0]] = taken.get(candidate[0], 0) + 1
            count -= 1
            yield candidate


def _ranked(
    scores: NDArray[np.float64], is_open: NDArray[np.bool_], image_scores: NDArray[np.float64] | None
) -> Iterator[Asked]:
    images, regions = np.nonzero(is_open)
    keys: list[NDArray[Any]] = [-scores[images, regions]]
    if image_scores is not None:
        keys += [images, -image_scores[images]]  # regions of one slice stay together where slices are equal
    for number in np.lexsort(keys):
        yield int(images[number]), int(regions[number])
