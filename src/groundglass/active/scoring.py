"""Scores: of the pool's regions, to ask the best, and of the model on the test cases, for the curve."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.active.acquisition import Acquisition
from groundglass.active.acquisition import centered
from groundglass.active.mc_dropout import lesion_draws
from groundglass.active.pool import Pool
from groundglass.active.settings import ActiveSettings
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
from groundglass.methods.method import Method
from groundglass.prediction.evaluate import choose_threshold
from groundglass.prediction.evaluate import evaluate_at
from groundglass.prediction.evaluate import has_masks
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.validation import validation_pairs

CHUNK = 16
"""Slices whose draws are in memory together: 47 MB at 192 px and 20 draws."""

Scores = NDArray[np.float64]


def score_pool(
    method: Method, pool: Pool, acquisition: Acquisition, images: NDArray[np.intp], settings: ActiveSettings
) -> tuple[Scores, Scores]:
    """Scores of regions and of whole slices.

    Args:
        method: The current model.
        pool: The slices.
        acquisition: How pixels are scored.
        images: ``(M,)`` numbers of the slices to score.
        settings: Number of draws, and how a region's pixels become one number.

    Returns:
        ``(N, K)`` of regions and ``(N,)`` of slices; minus infinity where none was asked for.
    """
    regions = np.full((len(pool), len(pool.regions)), -np.inf)
    whole = np.full(len(pool), -np.inf)
    if not acquisition.uses_draws:
        regions[images] = torch.rand(len(images), len(pool.regions)).numpy()
        whole[images] = torch.rand(len(images)).numpy()
        return regions, whole
    maps = score_maps(
        method, pool.samples.tensors["image"][images], acquisition, settings.draws, at_threshold=settings.at_threshold
    )
    regions[images] = pool.regions.reduce(maps, settings.reduction)
    whole[images] = maps.mean(axis=(1, 2))
    return regions, whole


def score_maps(
    method: Method, images: Tensor, acquisition: Acquisition, draws: int, *, at_threshold: bool = True
) -> NDArray[np.float32]:
    """Score of every pixel, ``(N, H, W)``.

    Args:
        method: The current model.
        images: ``(N, 1, H, W)`` in [0, 1].
        acquisition: How pixels are scored.
        draws: Passes with dropout.
        at_threshold: See :class:`ActiveSettings`.
    """
    threshold = float(method.threshold) if at_threshold else 0.5
    parts = (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))
    maps = [acquisition.score(centered(lesion_draws(method, one, draws), threshold)) for one in parts]
    return np.asarray(torch.cat(maps).numpy())


class HeldOut:
    """Validation and test cases in memory, since they are scored in every cycle.

    Args:
        folder: The dataset.
        config: The recipe.
    """

    def __init__(self, folder: DatasetFolder, config: Config) -> None:
        split, grid = folder.split, config.grid
        self.config = config
        self.validation = validation_pairs(folder, config)
        self.test = list(scored_cases(folder, split.test, grid)) if has_masks(split.test) else []

    def score(self, method: Method) -> tuple[float | None, float | None, float]:
        """Test Dice at 0.5 and at the threshold chosen on validation, which is kept in ``method``; the threshold."""
        config = self.config
        predictor = Predictor(method, config.grid, batch_size=config.batch_size, orientations=config.orientations)
        if self.validation:
            method.threshold.fill_(choose_threshold(predictor, self.validation))
        threshold = round(float(method.threshold), 4)
        if not self.test:
            return None, None, threshold
        half, chosen = (_digits(one["dice_global"]) for one in evaluate_at(predictor, self.test, [0.5, threshold]))
        return half, chosen, threshold


def _digits(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)
