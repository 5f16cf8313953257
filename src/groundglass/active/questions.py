"""What a cycle asks: which regions are open, which come first, and which the current model is least sure of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from groundglass.active.acquisition import Acquisition
from groundglass.active.pool import Pool
from groundglass.active.scoring import score_pool
from groundglass.active.selection import Asked
from groundglass.active.selection import choose
from groundglass.active.settings import ActiveSettings
from groundglass.methods.method import Method

Open = NDArray[np.bool_]


def open_regions(pool: Pool, asked: Iterable[Asked], settings: ActiveSettings) -> Open:
    """``(N, K)``: regions that may still be asked."""
    is_open = pool.shows_lung() if settings.lungs_only else np.ones((len(pool), len(pool.regions)), bool)
    for image, region in asked:
        is_open[image, region] = False
    return is_open


def first_questions(pool: Pool, is_open: Open, settings: ActiveSettings) -> list[Asked]:
    """All regions of some slices, then single ones from anywhere; the same for every acquisition."""
    rng = np.random.default_rng(settings.seed)
    images = rng.permutation(len(pool))
    if settings.initial_with_lesion:
        images = images[pool.masks[images].any(axis=(1, 2))]
    whole = images[: settings.initial_images]
    elsewhere = is_open.copy()
    elsewhere[whole] = False
    others = rng.permutation(np.argwhere(elsewhere))[: settings.initial_regions]
    questions = [(int(image), int(region)) for image in whole for region in np.flatnonzero(is_open[image])]
    return questions + [(int(image), int(region)) for image, region in others]


def next_questions(
    method: Method, pool: Pool, is_open: Open, acquisition: Acquisition, settings: ActiveSettings, *, cycle: int
) -> list[Asked]:
    """The regions that a cycle asks.

    Args:
        method: The model it has trained.
        pool: The slices.
        is_open: ``(N, K)``: regions that may be asked.
        acquisition: How pixels are scored.
        settings: How many regions are chosen, and by which rule.
        cycle: Number of the cycle: another one draws other numbers.
    """
    torch.manual_seed(settings.seed * 1_000_003 + cycle)
    images = np.flatnonzero(is_open.any(axis=1))
    if settings.candidates is not None:
        rng = np.random.default_rng([settings.seed, cycle])
        images = np.sort(rng.permutation(images)[: settings.candidates])
    scores, image_scores = score_pool(method, pool, acquisition, images, settings)
    at_random = not acquisition.uses_draws  # any slice, and then any region of it
    by_image = (settings.rank_images == "image" or at_random) and settings.per_image is not None
    return choose(
        scores,
        is_open & np.isfinite(scores),
        settings.query_size,
        per_image=settings.per_image,
        image_scores=image_scores if by_image else None,
        apart=pool.neighborhood if settings.diverse and not at_random else None,
    )
