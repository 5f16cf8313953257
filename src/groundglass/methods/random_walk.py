"""Heat that walks to neighbors of like kind, as IRN spreads its activation maps (Ahn et al., CVPR 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from groundglass.losses.affinity import affinities
from groundglass.losses.affinity import channel
from groundglass.losses.affinity import disc
from groundglass.losses.affinity import neighbors


def random_walk(heat: Tensor, boundary: Tensor, *, radius: int = 5, sharpness: float = 10.0, steps: int = 64) -> Tensor:
    """``T^steps (heat * (1 - boundary))`` with ``T`` the affinities to the power of ``sharpness``, normalized.

    Each step every place becomes the mean of its neighbors and itself, weighed by affinity. The release squares the
    whole matrix of places by places; going step by step through the neighbors alone gives the same with less memory.

    Args:
        heat: ``(B, 1, h, w)``, not below 0.
        boundary: ``(B, 1, h, w)`` in [0, 1].
        radius: How far neighbors lie.
        sharpness: The release's beta.
        steps: Steps of the walk; the release makes 2 ** 8 at 128 x 128.
    """
    channels = [channel(offset, radius) for offset in disc(radius)]
    there = neighbors(torch.ones_like(heat), radius)[:, channels]
    weights = affinities(boundary, radius).clamp_min(0) ** sharpness * there
    total = 1 + weights.sum(dim=1, keepdim=True)
    walked = heat * (1 - boundary)
    for _ in range(steps):
        around = (weights * neighbors(walked, radius)[:, channels]).sum(dim=1, keepdim=True)
        walked = (walked + around) / total
    return walked
