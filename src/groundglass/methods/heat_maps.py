"""From a class activation map to a heat map in [0, 1] that is comparable between slices."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Scale = Literal["relative", "evidence"]


def class_logits(scores: Tensor) -> Tensor:
    """``(B,)``: the logits of the class, the means of its activation maps ``(B, 1, h, w)``."""
    return scores.flatten(1).mean(dim=1)


def heat_map(maps: Tensor, image: Tensor, logits: Tensor, *, scale: Scale) -> Tensor:
    """What speaks for lesion, at the size of the image and in [0, 1]; 0 where the image is black.

    Dividing each map by its own maximum alone would paint the noise of a normal slice as red as a lesion.

    Args:
        maps: ``(B, 1, h, w)``: how much each place speaks for lesion, above 0, or against it.
        image: ``(B, 1, H, W)`` in [0, 1].
        logits: ``(B,)`` of the class.
        scale: ``relative``: the positive part as a share of its maximum, times the probability of the class, so that
            a normal slice stays dark. ``evidence``: the positive part itself, squashed by ``s / (1 + s)`` with
            ``s = log(1 + part)``: no slice is compared with its own maximum, and strong evidence is not cut off.
    """
    positive = inside(resized(maps, image.shape[2:]).relu(), image)
    if scale == "evidence":
        squashed = positive.log1p()
        return squashed / (1 + squashed)
    return relative(positive) * logits.sigmoid().view(-1, 1, 1, 1)


def relative(maps: Tensor) -> Tensor:
    """The positive part of maps ``(B, 1, h, w)``, each divided by its own maximum; 0 where nothing is positive."""
    positive = maps.relu()
    return positive / positive.amax(dim=(2, 3), keepdim=True).clamp_min(1e-8)


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps ``(B, C, h, w)`` at another size, bilinear."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def inside(heat: Tensor, image: Tensor) -> Tensor:
    """The heat map with 0 where the image is black: outside the lungs, in images that are painted so."""
    return heat * (image > 0)
