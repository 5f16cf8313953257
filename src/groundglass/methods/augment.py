"""The augmentation of a training batch, as the settings of a recipe ask for it."""

from __future__ import annotations

import torch

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Zoom
from groundglass.datasets.augmentation import jitter
from groundglass.datasets.samples import Sample
from groundglass.methods.settings import TrainingSettings

MOVED = ("image", "target", "lung")


def augment(batch: Sample, settings: TrainingSettings) -> Sample:
    """Cut and move image, target map and lung mask of each sample alike, then jitter the image's grey values."""
    moves: list[Dihedral | Zoom] = []
    size = len(batch["image"])
    if settings.orient:
        moves.append(Dihedral.sample(size, "dihedral"))
    if settings.mirror:
        moves.append(Dihedral(torch.rand(size) < 0.5, torch.zeros(size, dtype=torch.long)))
    if settings.zoom > 1 or settings.degrees > 0:
        moves.append(Zoom.sample(size, settings.zoom, settings.degrees))
    moved = dict(batch) if settings.slices is None else _cut(batch, settings.slices)
    for move in moves:
        moved |= {key: move.apply(moved[key]) for key in MOVED if key in moved}
    moved["image"] = jitter(moved["image"], brightness=settings.brightness, contrast=settings.contrast)
    if settings.noise > 0:
        change = settings.noise * (2 * torch.rand(moved["image"].shape) - 1)
        moved["image"] = (moved["image"] + change.to(moved["image"])).clamp(0, 1)
    return moved


def _cut(batch: Sample, slices: int) -> Sample:
    """So many neighboring slices of each volume, from a place drawn for each; volumes that have no more stay whole."""
    size, depth = len(batch["image"]), batch["image"].shape[2]
    if batch["image"].ndim == 4 or depth <= slices:
        return dict(batch)
    first = torch.randint(depth - slices + 1, (size, 1))
    rows, kept = torch.arange(size).unsqueeze(1), first + torch.arange(slices)
    return {key: value[rows, :, kept].movedim(1, 2) if key in MOVED else value for key, value in batch.items()}
