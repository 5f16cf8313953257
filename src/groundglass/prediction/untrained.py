"""Baselines that learn nothing: what a trained method has to beat."""

from __future__ import annotations

from typing import Any

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.progress import Progress
from groundglass.errors import InputError
from groundglass.methods import BASELINES
from groundglass.prediction.evaluate import choose_threshold
from groundglass.prediction.evaluate import has_masks
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor

UNTRAINED: dict[str, tuple[dict[str, Any], Grid]] = {
    "smoothed-intensity": ({"sigma": 2.0}, Grid(size=(256, 256), outside="black")),
    "smoothed-intensity-median": ({"sigma": 3.0, "median": True}, Grid(size=(96, 96), crop="lungs", outside="black")),
    "smoothed-intensity-opened": (
        {"sigma": 3.0, "median": True, "opening": 5},
        Grid(size=(96, 96), crop="lungs", outside="black"),
    ),
}
"""Brightness inside the lungs: smoothed; read as ``recipes/decomposition.yaml`` reads its heat map; and that after what
is thin is taken away, which helps brightness alone: a trained network leaves vessels in the normal version."""


def untrained_predictor(
    name: str, folder: DatasetFolder, *, orientations: int | None = None, progress: Progress | None = None
) -> Predictor:
    """A baseline with its threshold chosen on a dataset's validation cases.

    Args:
        name: One of :data:`UNTRAINED`.
        folder: The dataset.
        orientations: Average over this many flips and turns.
        progress: Called with the number of validation cases looked at and their total.

    Raises:
        InputError: If no validation case has a mask.
    """
    options, grid = UNTRAINED[name]
    predictor = Predictor(BASELINES.build("smoothed-intensity", options), grid, orientations=orientations or 1)
    if not has_masks(folder.split.validation):
        raise InputError(f"{folder.root}: no validation case has a mask to choose the threshold of {name} by; add some")
    threshold = choose_threshold(predictor, scored_cases(folder, folder.split.validation, grid, progress=progress))
    predictor.method.threshold.fill_(threshold)
    return predictor
