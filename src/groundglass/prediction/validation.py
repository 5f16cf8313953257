"""What the validation cases say about a method in training, and which of it chooses the weights that are kept."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.metrics.counting import CountMeter
from groundglass.metrics.overlap import OverlapMeter
from groundglass.metrics.threshold import DiceCurve
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.predictor import Predictor

MONITORS = {"dice": "dice_global", "best-dice": "dice_best", "precision": "average_precision", "count": "minus_mae"}
"""What a recipe's ``monitor`` may be, and the score it means; of each of them more is better."""


def validate(predictor: Predictor, pairs: Sequence[Pair], monitor: str) -> dict[str, float]:
    """Scores of the validation cases.

    Args:
        predictor: Runs the method.
        pairs: The cases.
        monitor: A key of :data:`MONITORS`: what is needed beside Dice at a threshold of 0.5.

    Returns:
        ``dice_global`` and ``dice_case`` at 0.5; with ``best-dice`` or ``precision`` also ``dice_best``, at whichever
        threshold is best, and ``average_precision``; with ``count`` also ``minus_mae``, the mean absolute error of the
        lesion count of a slice with its sign turned.
    """
    overlap, curve, counts = OverlapMeter(), DiceCurve(), CountMeter(levels=())
    for case, scan, mask, lungs in pairs:
        for slab, probabilities in predictor.slabs(scan, lungs):
            prediction, truth = probabilities > 0.5, mask.voxels[slab] > 0
            overlap.update(case.case, prediction, truth)
            if monitor in ("best-dice", "precision"):
                curve.update(probabilities, truth)
            elif monitor == "count":
                counts.update(case.case, prediction, truth)
    scores = {name: overlap.compute()[name] for name in ("dice_global", "dice_case")}
    if monitor in ("best-dice", "precision"):
        scores |= {"dice_best": curve.best()[1], "average_precision": curve.average_precision()}
    elif monitor == "count":
        scores |= {"minus_mae": -counts.compute()["mae"]}
    return scores
