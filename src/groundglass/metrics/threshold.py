"""Dice at every threshold at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 200


class DiceCurve:
    """Global Dice against the probability above which a pixel is lesion.

    Example:
        >>> curve = DiceCurve()
        >>> curve.update(np.array([0.9, 0.7, 0.2]), np.array([True, False, False]))
        >>> 0.7 <= curve.best()[0] < 0.9
        True
    """

    def __init__(self) -> None:
        self._lesion = np.zeros(BINS, np.int64)
        self._background = np.zeros(BINS, np.int64)

    def update(self, probabilities: NDArray[np.floating], mask: NDArray[np.bool_]) -> None:
        """Add pixels: probabilities in [0, 1] and whether each is lesion, of the same shape."""
        bins = np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)
        self._lesion += np.bincount(bins[mask], minlength=BINS)
        self._background += np.bincount(bins[~mask], minlength=BINS)

    def dice(self) -> NDArray[np.float64]:
        """Dice for the thresholds ``0, 1 / 200, ... 199 / 200``; NaN if there is neither lesion nor prediction."""
        true = self._lesion[::-1].cumsum()[::-1]
        false = self._background[::-1].cumsum()[::-1]
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * true / (true + false + self._lesion.sum()))

    def best(self) -> tuple[float, float]:
        """The threshold with the highest Dice, and that Dice; 0.5 and NaN if there was no lesion."""
        if not self._lesion.sum():
            return 0.5, float("nan")
        dice = self.dice()
        tied = np.flatnonzero(dice == dice.max())
        index = int(tied[len(tied) // 2])  # the middle of a plateau is the safest
        return index / BINS, float(dice[index])
