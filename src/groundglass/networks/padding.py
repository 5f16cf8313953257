"""Padding a volume to what a network with strides can take."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(image: Tensor, multiples: Sequence[int]) -> Tensor:
    """Append voxels at the end of the last axes up to a multiple of so many each, by repeating the last ones.

    Args:
        image: ``(B, C, D, H, W)`` of any size.
        multiples: One for each of ``D, H, W``.

    Example:
        >>> import torch
        >>> tuple(pad_to_multiple(torch.rand(1, 1, 5, 8, 9), (4, 4, 4)).shape)
        (1, 1, 8, 8, 12)
    """
    missing = [-length % multiple for length, multiple in zip(image.shape[2:], multiples, strict=True)]
    if not any(missing):
        return image
    return F.pad(image, [edge for length in reversed(missing) for edge in (0, length)], mode="replicate")
