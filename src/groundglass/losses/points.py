"""Point loss: binary cross-entropy on the labeled pixels alone (paper 000, Eq. 2)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Reduction = Literal["mean", "sum", "balanced"]


def point_loss(logits: Tensor, target: Tensor, *, reduction: Reduction = "mean", ignore_index: int = 255) -> Tensor:
    """Cross-entropy of the labeled pixels of the whole batch.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 unlabeled.
        reduction: ``mean`` over all labeled pixels (paper 000 as released), ``sum`` (its Eq. 2), or ``balanced``:
            the mean over lesion pixels plus the mean over background pixels (paper 001 as released).
        ignore_index: Value of unlabeled pixels.

    Returns:
        A scalar; zero, with a gradient, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[[1, 255]]]], dtype=torch.uint8)
        >>> round(float(point_loss(torch.zeros(1, 1, 1, 2), target)), 4)
        0.6931
    """
    labeled = target != ignore_index
    if not labeled.any():
        return logits.sum() * 0.0
    values = target[labeled].to(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits[labeled], values, reduction="none")
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean()
    lesion = values > 0
    return sum((losses[part].mean() for part in (lesion, ~lesion) if part.any()), start=losses.new_zeros(()))
