"""Dice, precision and recall at every threshold at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 200


class DiceCurve:
    """Global Dice, and precision against recall, over the probability above which a pixel is lesion.

    Args:
        bins: Thresholds tried, evenly spaced from 0 to 1.

    Example:
        >>> curve = DiceCurve()
        >>> curve.update(np.array([0.9, 0.7, 0.2]), np.array([True, False, False]))
        >>> 0.7 <= curve.best()[0] < 0.9
        True
    """

    def __init__(self, bins: int = BINS) -> None:
        self.bins = bins
        self._lesion = np.zeros(bins, np.int64)
        self._background = np.zeros(bins, np.int64)

    def update(self, probabilities: NDArray[np.floating], mask: NDArray[np.bool_]) -> None:
        """Add pixels: probabilities in [0, 1] and whether each is lesion, of the same shape."""
        bins = np.minimum((probabilities * self.bins).astype(np.intp), self.bins - 1)
        self._lesion += np.bincount(bins[mask], minlength=self.bins)
        self._background += np.bincount(bins[~mask], minlength=self.bins)

    def dice(self) -> NDArray[np.float64]:
        """Dice for the thresholds ``0, 1 / bins, ...``; NaN if there is neither lesion nor prediction."""
        true, called = self._above()
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * true / (called + self._lesion.sum()))

    def best(self) -> tuple[float, float]:
        """The threshold with the highest Dice, and that Dice; 0.5 and NaN if there was no lesion."""
        if not self._lesion.sum():
            return 0.5, float("nan")
        dice = self.dice()
        tied = np.flatnonzero(dice == dice.max())
        index = int(tied[len(tied) // 2])  # the middle of a plateau is the safest
        return index / self.bins, float(dice[index])

    def precision_recall(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision and recall for the thresholds ``0, 1 / bins, ...``; precision is 1 where nothing is called lesion.

        Recall is NaN if there was no lesion.
        """
        true, called = self._above()
        with np.errstate(invalid="ignore"):
            recall = np.asarray(true / self._lesion.sum())
            return np.where(called > 0, true / np.maximum(called, 1), 1.0), recall

    def average_precision(self) -> float:
        """Area under the precision-recall curve, as the sum of precision times gain in recall; NaN without lesion.

        A value that many pixels share is one step of the curve, so a constant map gets the lesions' share of all
        pixels, and the trapezoid's optimism between two far points is avoided.
        """
        precision, recall = self.precision_recall()
        return float(np.sum(precision * -np.diff(recall, append=0.0)))

    def _above(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lesion pixels, and all pixels, in each bin or above it."""
        true = self._lesion[::-1].cumsum()[::-1]
        return true, true + self._background[::-1].cumsum()[::-1]
