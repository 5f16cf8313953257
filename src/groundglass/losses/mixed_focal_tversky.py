"""The loss of paper 004's segmentation network: focal loss and the logarithm of the Tversky index, weighed."""

from __future__ import annotations

from torch import Tensor

from groundglass.losses.focal import focal_loss
from groundglass.losses.tversky import tversky_index


def mixed_focal_tversky(
    logits: Tensor,
    target: Tensor,
    *,
    weight: float = 10.0,
    gamma: float = 2.0,
    alpha: float = 0.25,
    false_positives: float = 0.3,
    false_negatives: float = 0.7,
) -> Tensor:
    """``weight * focal - log(Tversky index)``; a reconstruction of paper 004, Eq. 19, whose formula is lost.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 unlabeled (left out).
        weight: Brings the focal loss to the size of the other term.
        gamma: See :func:`focal_loss`.
        alpha: See :func:`focal_loss`.
        false_positives: See :func:`tversky_index`.
        false_negatives: See :func:`tversky_index`.

    Returns:
        A scalar, finite also where there is no lesion; zero, with a gradient, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
        >>> bool(mixed_focal_tversky(torch.full((1, 1, 2, 2), -40.0), target) < 1e-6)
        True
    """
    index = tversky_index(logits, target, false_positives=false_positives, false_negatives=false_negatives)
    return weight * focal_loss(logits, target, gamma=gamma, alpha=alpha) - index.log()
