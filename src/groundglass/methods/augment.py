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
    """Cut and move image, target map and lung mask of each sample alike, then jitter the image's grey values."""
    moves = draw_moves(batch, settings)
    moved = move(batch if settings.slices is None else _cut(batch, settings.slices), moves)
    moved["image"] = jitter(moved["image"], brightness=settings.brightness, contrast=settings.contrast)
    moved["image"] = noisy(moved["image"], settings.noise)
    return moved


def noisy(image: Tensor, most: float) -> Tensor:
    """``(B, 1, *spatial)`` in [0, 1] with each pixel changed by up to ``most``, drawn uniformly."""
    if most == 0:
        return image
    return (image + (most * (2 * torch.rand(image.shape) - 1)).to(image)).clamp(0, 1)


def draw_moves(batch: Sample, settings: TrainingSettings) -> list[Move]:
    """What is done to each sample, one after the other, drawn from torch's generator."""
    moves: list[Move] = []
    size = len(batch["image"])
    if settings.orient:
        moves.append(_orientation(batch, size, settings.upright))
    if settings.mirror:
        moves.append(Dihedral(torch.rand(size) < 0.5, torch.zeros(size, dtype=torch.long)))
    if settings.zoom > 1 or settings.degrees > 0:
        moves.append(Zoom.sample(size, settings.zoom, settings.degrees))
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


def _cut(batch: Sample, slices: int) -> Sample:
    """So many neighboring slices of each volume, from a place drawn for each; volumes that have no more stay whole."""
    size, depth = len(batch["image"]), batch["image"].shape[2]
    if batch["image"].ndim == 4 or depth <= slices:
        return dict(batch)
    first = torch.randint(depth - slices + 1, (size, 1))
    rows, kept = torch.arange(size).unsqueeze(1), first + torch.arange(slices)
    return {key: value[rows, :, kept].movedim(1, 2) if key in MOVED else value for key, value in batch.items()}
