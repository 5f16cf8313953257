"""Neighbors of the same grey value belong together (Obukhov et al., "Gated CRF Loss", 2019, arXiv:1906.04651)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def gated_crf_loss(
    logits: Tensor, image: Tensor, *, radius: int = 5, distance: float = 3.0, contrast: float = 0.1, shrink: int = 2
) -> Tensor:
    """Potts energy of the prediction in small windows: what it costs to cut between pixels that look alike.

    It needs no label. Where only clicks are known it moves the edge of a prediction to an edge of the image.

    Args:
        logits: ``(B, 1, H, W)``.
        image: ``(B, 1, H, W)`` in [0, 1].
        radius: Reach of the window, in pixels of the shrunken image; the paper's 5.
        distance: Standard deviation of the weight over distance, in the same pixels.
        contrast: Standard deviation of the weight over the difference in grey value; the paper's 0.1.
        shrink: Image and prediction are averaged over squares of this side first.

    Returns:
        A scalar: the energy a pixel, each pair counted from both sides as in the paper's Eq. 4.

    Example:
        >>> flat = torch.zeros(1, 1, 8, 8)
        >>> float(gated_crf_loss(torch.full((1, 1, 8, 8), 50.0), flat)) < 1e-6
        True
    """
    grey, chance = F.avg_pool2d(image, shrink), F.avg_pool2d(logits.sigmoid(), shrink)
    energy = chance.new_zeros(())
    for down, right in _half_window(radius):
        near = math.exp(-(down**2 + right**2) / (2 * distance**2))
        (grey_here, grey_there), (here, there) = _pairs(grey, down, right), _pairs(chance, down, right)
        with torch.no_grad():
            alike = near * torch.exp((grey_here - grey_there) ** 2 / (-2 * contrast**2))
        energy = energy + (alike * (here + there - 2 * here * there)).sum()
    return 2 * energy / grey.numel()


def _half_window(radius: int) -> Iterator[tuple[int, int]]:
    """Offsets to every second neighbor: the other one of a pair sees this one."""
    for down in range(radius + 1):
        for right in range(-radius if down else 1, radius + 1):
            yield down, right


def _pairs(values: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Pixels and their neighbors at an offset, without those that have none."""
    height, width = values.shape[-2:]
    first, last = max(-right, 0), width - max(right, 0)
    here = values[..., : height - down, first:last]
    return here, values[..., down:, first + right : last + right]
