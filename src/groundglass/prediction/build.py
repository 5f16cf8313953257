"""The predictor of a method: of slices or of volumes, as its network was trained."""

from __future__ import annotations

from groundglass.experiments.config import Config
from groundglass.methods.method import Method
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.volume_predictor import VolumePredictor


def build_predictor(
    method: Method,
    config: Config,
    *,
    batch_size: int = 16,
    orientations: int | None = None,
    smooth_mm: float | None = None,
) -> Predictor:
    """What runs ``method`` over scans.

    Args:
        method: The method.
        config: Its recipe.
        batch_size: Slices at once.
        orientations: Average over this many flips and turns; by default as the recipe says.
        smooth_mm: Smooth across slices; by default as the recipe says.
    """
    orientations = orientations or config.orientations
    if config.grid.depth is not None:
        return VolumePredictor(method, config.grid, batch_size=batch_size, orientations=orientations)
    smooth_mm = config.smooth_mm if smooth_mm is None else smooth_mm
    return Predictor(method, config.grid, batch_size=batch_size, orientations=orientations, smooth_mm=smooth_mm)
