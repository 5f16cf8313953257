"""Focal loss: cross-entropy that cares less for what is easy (Lin et al., ICCV 2017; paper 004, Eq. 18)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def focal_loss(
    logits: Tensor, target: Tensor, *, gamma: float = 2.0, alpha: float = 0.25, ignore_index: int = 255
) -> Tensor:
    """Mean of ``-alpha_t (1 - p_t)^gamma log p_t`` over the labeled pixels of the batch.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 unlabeled (left out).
        gamma: How much less an easy pixel counts.
        alpha: Weight of lesion pixels; background pixels weigh ``1 - alpha``.
        ignore_index: Value of unlabeled pixels.

    Returns:
        A scalar; zero, with a gradient, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.ones(1, 1, 1, 1, dtype=torch.uint8)
        >>> loss = focal_loss(torch.zeros(1, 1, 1, 1), target, gamma=0.0, alpha=0.5)
        >>> round(float(2 * loss), 4)  # cross-entropy
        0.6931
    """
    labeled = target != ignore_index
    if not labeled.any():
        return logits.sum() * 0.0
    lesion = target[labeled].to(logits.dtype)
    entropy = F.binary_cross_entropy_with_logits(logits[labeled], lesion, reduction="none")
    missed = 1 - (-entropy).exp()  # 1 - p_t
    weight = alpha * lesion + (1 - alpha) * (1 - lesion)
    return (weight * missed**gamma * entropy).mean()
