"""How far two images are from each other, pixel by pixel, with weights."""

from __future__ import annotations

from typing import Literal

from torch import Tensor


def weighted_distance(image: Tensor, target: Tensor, weight: Tensor | None = None, *, p: Literal[1, 2] = 1) -> Tensor:
    """Mean of ``weight * |image - target| ** p`` (paper 002, Eqs. 1 and 2, norms over pixels as means).

    Args:
        image: ``(B, 1, *spatial)``.
        target: The same.
        weight: The same, or ``None`` for 1.
        p: 1 (the release) or 2.

    Returns:
        A scalar; zero, with a gradient, for an empty batch.

    Example:
        >>> import torch
        >>> weighted_distance(torch.zeros(1, 1, 1, 2), torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[1.0, 2.0]]]]))
        tensor(3.5000)
    """
    if not len(image):
        return image.sum() * 0.0
    distance = (image - target).abs().pow(p)
    return (distance if weight is None else weight * distance).mean()
