"""The augmentation of a training batch, as the settings of a recipe ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Zoom
from groundglass.datasets.augmentation import jitter
from groundglass.datasets.samples import Sample
from groundglass.methods.settings import TrainingSettings

MOVED = ("image", "target", "lung")


Move = Dihedral | Zoom


def augment(batch: Sample, settings: TrainingSettings) -> Sample:
    """Move image, target map and lung mask of each sample alike, then jitter the image's grey values."""
    moved = move(batch, draw_moves(len(batch["image"]), settings))
    moved["image"] = jitter(moved["image"], brightness=settings.brightness, contrast=settings.contrast)
    return moved


def draw_moves(size: int, settings: TrainingSettings) -> list[Move]:
    """What is done to each of ``size`` samples, one after the other, drawn from torch's generator."""
    moves: list[Move] = []
    if settings.orient:
        moves.append(Dihedral.sample(size, "dihedral"))
    if settings.zoom > 1:
        moves.append(Zoom.sample(size, settings.zoom))
    return moves


def move(batch: Sample, moves: Sequence[Move]) -> Sample:
    """The batch with image, target map and lung mask moved."""
    moved = dict(batch)
    for one in moves:
        moved |= {key: one.apply(moved[key]) for key in MOVED if key in moved}
    return moved
