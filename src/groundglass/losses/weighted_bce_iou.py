"""Border-weighted cross-entropy plus border-weighted IoU, for masks (F3Net, Eqs. 3 and 5; used by paper 000)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

WINDOW = 31


def border_weight(mask: Tensor) -> Tensor:
    """1 inside and outside, up to 6 along the border: ``1 + 5 |mean over 31 x 31 - mask|``; ``(B, 1, H, W)``."""
    rows = F.avg_pool2d(mask, (WINDOW, 1), stride=1, padding=(WINDOW // 2, 0))  # two passes: 62 sums a pixel, not 961
    return 1 + 5 * (F.avg_pool2d(rows, (1, WINDOW), stride=1, padding=(0, WINDOW // 2)) - mask).abs()


def weighted_bce_iou(logits: Tensor, target: Tensor, *, ignore_index: int = 255) -> Tensor:
    """Weighted cross-entropy plus weighted soft IoU, each per image, averaged over the images with labels.

    Args:
        logits: ``(B, 1, H, W)``.
        target: ``(B, 1, H, W)`` uint8: 0 background, 1 lesion, 255 unlabeled (left out).
        ignore_index: Value of unlabeled pixels.

    Returns:
        A scalar; zero, with a gradient, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.ones(1, 1, 8, 8, dtype=torch.uint8)
        >>> float(weighted_bce_iou(torch.full((1, 1, 8, 8), 50.0), target)) < 1e-6
        True
    """
    labeled = (target != ignore_index).to(logits.dtype)
    has_label = labeled.flatten(1).any(dim=1)
    if not has_label.any():
        return logits.sum() * 0.0
    mask = (target == 1).to(logits.dtype)
    weight = border_weight(mask) * labeled
    return (_weighted_bce(logits, mask, weight) + _weighted_iou(logits, mask, weight))[has_label].mean()


def _weighted_bce(logits: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    return (weight * losses).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1)


def _weighted_iou(logits: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    probability = logits.sigmoid()
    intersection = (weight * probability * mask).flatten(1).sum(1)
    total = (weight * (probability + mask)).flatten(1).sum(1)
    return 1 - (intersection + 1) / (total - intersection + 1)
