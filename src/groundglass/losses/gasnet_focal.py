"""The two focal cross-entropies of paper 003 (GASNet) as released; its text has plain cross-entropy instead."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def focal_bce(logits: Tensor, target: Tensor, *, ignore_index: int = 255) -> Tensor:
    """Cross-entropy with a weight from 1 to 4 on what is wrong: ``(2 - p)^2`` on lesion, ``(1 + p)^2`` elsewhere.

    Other than in the focal loss of Lin et al., an easy voxel keeps a weight of 1.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 left out.
        ignore_index: Value of what is left out.

    Returns:
        The mean over all labeled voxels; zero, with a gradient, if there is none.

    Example:
        >>> import torch
        >>> target = torch.ones(1, 1, 1, 1, 1, dtype=torch.uint8)
        >>> round(float(focal_bce(torch.zeros(1, 1, 1, 1, 1), target)), 4)  # 1.5^2 log 2
        1.5596
    """
    lesion, background = _parts(logits, target, ignore_index)
    probability = logits.sigmoid()
    losses = lesion * (2 - probability).square() * F.softplus(-logits)
    losses = losses + background * (1 + probability).square() * F.softplus(logits)
    return losses.sum() / (lesion + background).sum().clamp_min(1)


def balanced_focal_bce(logits: Tensor, target: Tensor, *, ignore_index: int = 255) -> Tensor:
    """Focal cross-entropy with lesion voxels weighted up to the number of the others.

    Twice the mean of ``w (1 - p)^2 (-log p)`` on lesion and ``p^2 (-log(1 - p))`` elsewhere, with ``w`` the number of
    background voxels by that of lesion voxels and one.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 left out.
        ignore_index: Value of what is left out.

    Returns:
        A scalar; zero, with a gradient, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.tensor([0, 1], dtype=torch.uint8).view(1, 1, 1, 1, 2)
        >>> round(float(balanced_focal_bce(torch.zeros(1, 1, 1, 1, 2), target)), 4)  # (1/2 + 1) / 4 log 2
        0.2599
    """
    lesion, background = _parts(logits, target, ignore_index)
    probability = logits.sigmoid()
    weight = background.sum() / (lesion.sum() + 1)
    losses = weight * lesion * (1 - probability).square() * F.softplus(-logits)
    losses = losses + background * probability.square() * F.softplus(logits)
    return 2 * losses.sum() / (lesion + background).sum().clamp_min(1)


def _parts(logits: Tensor, target: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    lesion = ((target > 0) & (target != ignore_index)).to(logits.dtype)
    return lesion, (target == 0).to(logits.dtype)
