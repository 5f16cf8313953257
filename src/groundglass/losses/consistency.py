"""Consistency: the prediction of a transformed image, transformed back, should be the prediction (paper 000, Eq. 3)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Space = Literal["logits", "probabilities"]
Reduction = Literal["mean", "sum"]


def consistency_loss(
    logits: Tensor, recovered: Tensor, *, space: Space = "logits", reduction: Reduction = "mean"
) -> Tensor:
    """Absolute difference of two predictions of the same pixels.

    Args:
        logits: ``(B, 1, *spatial)`` of the image.
        recovered: ``(B, 1, *spatial)`` of the transformed image, brought back to the image's own frame.
        space: Compare ``logits`` (as released) or ``probabilities`` (as the paper writes it).
        reduction: ``mean`` over all pixels of the batch (as released) or their ``sum`` (Eqs. 1 and 3).

    Example:
        >>> import torch
        >>> x = torch.randn(2, 1, 4, 4)
        >>> float(consistency_loss(x, x))
        0.0
    """
    if space == "probabilities":
        logits, recovered = logits.sigmoid(), recovered.sigmoid()
    difference = (logits - recovered).abs()
    return difference.mean() if reduction == "mean" else difference.sum()
