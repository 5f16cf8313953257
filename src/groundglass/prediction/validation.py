"""What the validation cases say about a method in training, and which of it chooses the weights that are kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.progress import Progress
from groundglass.experiments.config import Config
from groundglass.metrics.counting import CountMeter
from groundglass.metrics.overlap import OverlapMeter
from groundglass.metrics.threshold import DiceCurve
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import has_masks
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor

logger = logging.getLogger(__name__)

MONITORS = {"dice": "dice_global", "best-dice": "dice_best", "precision": "average_precision", "count": "minus_mae"}
"""What a recipe's ``monitor`` may be, and the score it means; of each of them more is better."""

HEAT_MONITORS = ("best-dice", "precision")
"""Those of heat maps, which know no threshold of 0.5."""

TITLES = {
    "dice": "validation Dice at 0.5",
    "best-dice": "validation Dice at the best threshold",
    "precision": "validation average precision",
    "count": "validation count error (MAE)",
}
"""The score of each ``monitor`` in words."""

SHORT = {"dice": "Dice {:.3f} at 0.5", "best-dice": "best Dice {:.3f}", "precision": "AP {:.3f}", "count": "MAE {:.3f}"}
"""The same for a progress line."""


def as_shown(monitor: str, score: float) -> float:
    """A score of ``monitor`` as people read it: a count error, of which less is better, without its minus sign."""
    return -score if monitor == "count" else score


def validation_pairs(folder: DatasetFolder, config: Config, *, progress: Progress | None = None) -> list[Pair]:
    """Validation cases that can choose the epoch to keep, in memory, as they are scored every epoch.

    There are none where no case has a mask, shows lungs or shows a lesion; that is said. Someone who has only clicks
    has none, and trains all the same. ``progress`` is called with the number of cases loaded and their total.
    """
    cases = folder.split.validation
    pairs = list(scored_cases(folder, cases, config.grid, progress=progress)) if has_masks(cases) else []
    # Slices without lesions can be counted in, but have no Dice.
    if any((pair.mask.voxels > 0).any() for pair in pairs) or (pairs and config.monitor == "count"):
        return pairs
    lacking = "no mask of a validation case shows a lesion"
    if not pairs:
        masked = has_masks(cases)
        lacking = "of the validation cases with a mask none shows lungs" if masked else "no validation case has a mask"
    then = "" if config.monitor in HEAT_MONITORS else " and the threshold stays at 0.5"
    logger.warning("%s: %s, so the last epoch is kept%s", folder.root, lacking, then)
    return []


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
            if monitor in HEAT_MONITORS:
                curve.update(probabilities, truth)
            elif monitor == "count":
                counts.update(case.case, prediction, truth)
    scores = {name: overlap.compute()[name] for name in ("dice_global", "dice_case")}
    if monitor in HEAT_MONITORS:
        scores |= {"dice_best": curve.best()[1], "average_precision": curve.average_precision()}
    elif monitor == "count":
        scores |= {"minus_mae": -counts.compute()["mae"]}
    return scores
