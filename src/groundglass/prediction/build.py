"""The predictor of a method: of slices or of volumes, as its network was trained."""

from __future__ import annotations

from groundglass.experiments.config import Config
from groundglass.methods.method import Method
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.volume_predictor import VolumePredictor


def build_predictor(
    method: Method, config: Config, *, batch_size: int = 16, orientations: int | None = None
) -> Predictor:
    """What runs ``method`` over scans.

    Args:
        method: The method.
        config: Its recipe.
        batch_size: Slices at once.
        orientations: Average over this many flips and turns; by default as the recipe says.
    """
    predictor = Predictor if config.grid.depth is None else VolumePredictor
    return predictor(method, config.grid, batch_size=batch_size, orientations=orientations or config.orientations)
