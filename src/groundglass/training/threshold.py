"""The probability above which a trained method calls lesion: chosen by masks, by tags, or left at 0.5."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.progress import Progress
from groundglass.datasets.progress import counted
from groundglass.experiments.config import Config
from groundglass.methods.method import Method
from groundglass.prediction.build import build_predictor
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import dice_curve
from groundglass.prediction.tag_threshold import FALSE_ALARMS
from groundglass.prediction.tag_threshold import threshold_from_tags
from groundglass.prediction.validation import HEAT_MONITORS

logger = logging.getLogger(__name__)


def trained_threshold(
    method: Method,
    config: Config,
    folder: DatasetFolder,
    validation: Sequence[Pair],
    *,
    progress: Progress | None = None,
) -> float:
    """The threshold with the highest global Dice on the validation cases; of a heat map without them, one from tags.

    Args:
        method: The trained method.
        config: Its recipe.
        folder: The dataset; its training cases' tags are heard.
        validation: Validation cases with masks that show lesions, if any.
        progress: Called with the number of cases looked at and their total.
    """
    predictor = build_predictor(method, config)
    if validation:
        curve = dice_curve(predictor, counted(validation, progress))
        if curve.is_flat():
            logger.warning(
                "on the validation cases nothing is better than to call lesion all that the model looks at, so its "
                "masks are worth nothing; train it for longer, or on more"
            )
        return curve.best()[0]
    if config.monitor not in HEAT_MONITORS:
        return 0.5
    threshold = threshold_from_tags(predictor, folder, folder.split.training, progress=progress)
    if threshold is None:
        logger.warning(
            "the threshold stays at 0.5: in no slice tagged to have no lesion is there anything to set it by"
        )
        return 0.5
    logger.warning(
        "the threshold is set to %.3g, above which lies %g %% of the lung of training slices without lesion",
        *(threshold, 100 * FALSE_ALARMS),
    )
    return threshold
