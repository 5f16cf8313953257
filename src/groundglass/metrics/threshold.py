"""Dice, precision and recall at every threshold at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DROPPED = 2
"""Of the ten bits behind a half-precision number's point: eight are left, so thresholds are 0.2 to 0.4 % apart."""
THRESHOLDS = (np.arange((np.float16(1).view(np.uint16) >> DROPPED) + 1, dtype=np.uint16) << DROPPED).view(np.float16)


class DiceCurve:
    """Global Dice, and precision against recall, over the probability above which a pixel is lesion.

    The thresholds tried are closer together the smaller they are: heat maps of reconstruction know no 0.5, and may
    lie between 0 and 0.01 altogether.

    Example:
        >>> curve = DiceCurve()
        >>> curve.update(np.array([0.9, 0.7, 0.2]), np.array([True, False, False]))
        >>> 0.7 <= curve.best()[0] < 0.9
        True
    """

    thresholds: NDArray[np.float64] = THRESHOLDS.astype(np.float64)
    """Ascending, from 0 to 1."""

    def __init__(self) -> None:
        self._lesion = np.zeros(len(THRESHOLDS), np.int64)
        self._background = np.zeros(len(THRESHOLDS), np.int64)

    def update(self, probabilities: NDArray[np.floating], mask: NDArray[np.bool_]) -> None:
        """Add pixels: probabilities in [0, 1] and whether each is lesion, of the same shape."""
        # Numbers from 0 on are in the order of their bits.
        bins = np.ascontiguousarray(probabilities, np.float16).view(np.uint16) >> DROPPED
        self._lesion += np.bincount(bins[mask], minlength=len(THRESHOLDS))
        self._background += np.bincount(bins[~mask], minlength=len(THRESHOLDS))

    def dice(self) -> NDArray[np.float64]:
        """Dice at each of ``thresholds``; NaN where there is neither lesion nor prediction."""
        true, called = self._above()
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * true / (called + self._lesion.sum()))

    def best(self) -> tuple[float, float]:
        """The threshold with the highest Dice, and that Dice; 0.5 and NaN if there was no lesion."""
        if not self._lesion.sum():
            return 0.5, float("nan")
        dice = self.dice()
        tied = self.thresholds[dice == dice.max()]
        middle = tied[np.abs(tied - (tied[0] + tied[-1]) / 2).argmin()]  # of a plateau it is the safest
        return float(f"{middle:.4g}"), float(dice.max())

    def dice_at(self, threshold: float) -> float:
        """Dice where all above a threshold is called lesion."""
        return float(self.dice()[np.searchsorted(self.thresholds, threshold)])

    def is_flat(self) -> bool:
        """Whether nothing better can be done than to call lesion all that is not black, most of which is none.

        So too if all is black.
        """
        true, called = self._above()
        worthless = called[1] == 0 or called[1] > 2 * true[1]
        return bool(worthless and called[np.nanargmax(self.dice())] >= called[1])

    def exceeded_by(self, share: float) -> float:
        """The lowest threshold that no more than a share of all pixels reach; 1 if there is none."""
        _, called = self._above()
        below = self.thresholds[called <= share * called[0]]
        return float(below[0]) if len(below) else 1.0

    def precision_recall(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision and recall at each of ``thresholds``; precision is 1 where nothing is called lesion.

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
