"""Loss of a slice of which only a tag is known: there is a lesion somewhere in the lungs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def lesion_somewhere(logits: Tensor, lung: Tensor, *, share: float = 0.005) -> Tensor:
    """Cross-entropy that wants the most suspicious part of the lungs to be lesion (multiple-instance learning).

    Paper 003's MIL asks it of the single highest voxel; the mean over a small share of the lungs is less easily
    satisfied by one bright vessel.

    Args:
        logits: ``(B, 1, *spatial)`` of images that are known to hold a lesion.
        lung: ``(B, 1, *spatial)`` bool; an image without lung counts as all lung.
        share: Part of the lung's pixels that must be lesion at least.

    Returns:
        A scalar; zero, with a gradient, for an empty batch.

    Example:
        >>> lung = torch.ones(1, 1, 4, 4, dtype=torch.bool)
        >>> bool(lesion_somewhere(torch.full((1, 1, 4, 4), 9.0), lung) < 0.001)
        True
    """
    if not len(logits):
        return logits.sum() * 0.0
    return torch.stack([_one(image, where, share) for image, where in zip(logits, lung, strict=True)]).mean()


def _one(logits: Tensor, lung: Tensor, share: float) -> Tensor:
    inside = logits[lung] if lung.any() else logits.flatten()
    highest = inside.topk(max(round(share * len(inside)), 1)).values
    return F.softplus(-highest).mean()
