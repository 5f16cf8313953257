"""The augmentation of a training batch, as the settings of a recipe ask for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Zoom
from groundglass.datasets.augmentation import jitter
from groundglass.datasets.samples import Sample
from groundglass.methods.settings import TrainingSettings

MOVED = ("image", "target", "lung")


Move = Dihedral | Zoom


def augment(batch: Sample, settings: TrainingSettings) -> Sample:
    """Move image, target map and lung mask of each sample alike, then jitter the image's grey values."""
    moved = move(batch, draw_moves(batch, settings))
    moved["image"] = jitter(moved["image"], brightness=settings.brightness, contrast=settings.contrast)
    return moved


def draw_moves(batch: Sample, settings: TrainingSettings) -> list[Move]:
    """What is done to each sample, one after the other, drawn from torch's generator."""
    moves: list[Move] = []
    size = len(batch["image"])
    if settings.orient:
        moves.append(_orientation(batch, size, settings.upright))
    if settings.zoom > 1:
        moves.append(Zoom.sample(size, settings.zoom))
    return moves


def move(batch: Sample, moves: Sequence[Move]) -> Sample:
    """The batch with image, target map and lung mask moved."""
    moved = dict(batch)
    for one in moves:
        moved |= {key: one.apply(moved[key]) for key in MOVED if key in moved}
    return moved


def _orientation(batch: Sample, size: int, upright: bool) -> Dihedral:
    drawn = Dihedral.sample(size, "dihedral")
    return Dihedral(drawn.flips, torch.where(batch["upright"], 0, drawn.turns)) if upright else drawn


def relit(image: Tensor, most: float) -> Tensor:
    """``(B, 1, H, W)`` in [0, 1] with another gamma and gain for each, as another window would show it; black stays.

    Args:
        image: The images.
        most: Largest logarithm of the gamma; of the gain, half of that.
    """
    gamma, gain = (torch.exp(most * (2 * torch.rand(len(image), 1, 1, 1, device=image.device) - 1)) for _ in range(2))
    return (image**gamma * gain.sqrt()).clamp(0, 1) if most > 0 else image
