"""Overlap of predicted and true lesion voxels, over all voxels at once and per case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Confusion:
    """Counts of voxels: true and false positives and negatives. A ratio of nothing to nothing is NaN.

    Example:
        >>> Confusion(tp=2, fp=1, fn=1, tn=4).dice
        0.6666666666666666
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(cls, prediction: NDArray[np.bool_], mask: NDArray[np.bool_]) -> Confusion:
        """Count two bool arrays of the same shape."""
        if prediction.shape != mask.shape:
            raise ValueError(f"prediction {prediction.shape} and mask {mask.shape} differ in shape")
        tp = int(np.count_nonzero(prediction & mask))
        fp = int(np.count_nonzero(prediction)) - tp
        fn = int(np.count_nonzero(mask)) - tp
        return cls(tp, fp, fn, mask.size - tp - fp - fn)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN)."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def ppv(self) -> float:
        """TP / (TP + FP)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP)."""
        return _ratio(self.tn, self.tn + self.fp)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


class OverlapMeter:
    """Collects cases and gives global and per-case figures.

    A case may come in pieces (slices); its pieces are added up. ``dice_global`` is the Dice of one confusion matrix
    over all voxels of all cases (papers 000 and 001); ``dice_case`` is the mean over the cases that have a lesion, as
    ``sensitivity_case`` and ``specificity_case`` are (paper 003).
    Lesion-free cases have no Dice: they are counted and their false positive voxels are reported as a share.

    Example:
        >>> meter = OverlapMeter()
        >>> meter.update("a", np.array([[1, 1]], bool), np.array([[1, 0]], bool))
        >>> round(meter.compute()["dice_global"], 3)
        0.667
    """

    def __init__(self) -> None:
        self.cases: dict[str, Confusion] = {}

    def update(self, case: str, prediction: NDArray[np.bool_], mask: NDArray[np.bool_]) -> None:
        """Add a piece of ``case``: two bool arrays of the same shape."""
        self.cases[case] = self.cases.get(case, Confusion()) + Confusion.of(prediction, mask)

    def compute(self) -> dict[str, float]:
        """All figures by name."""
        total = sum(self.cases.values(), Confusion())
        diseased = [one for one in self.cases.values() if one.tp + one.fn]
        clean = [one.fp / (one.fp + one.tn) for one in self.cases.values() if not one.tp + one.fn]
        return {
            "dice_global": total.dice,
            "dice_case": _mean([one.dice for one in diseased]),
            "dice_case_sd": float(np.std([one.dice for one in diseased])) if diseased else float("nan"),
            "iou": total.iou,
            "ppv": total.ppv,
            "sensitivity": total.sensitivity,
            "specificity": total.specificity,
            "sensitivity_case": _mean([one.sensitivity for one in diseased]),
            "specificity_case": _mean([one.specificity for one in diseased]),
            "n_cases": len(self.cases),
            "n_lesion_free": len(clean),
            "lesion_free_false_positive_share": _mean(clean),
        }


def _mean(figures: list[float]) -> float:
    return float(np.mean(figures)) if figures else float("nan")
