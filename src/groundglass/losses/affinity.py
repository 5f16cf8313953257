"""Affinity of neighboring pixels from a boundary map, and the loss that teaches it (IRN; Ahn et al., CVPR 2019)."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5
Offset = tuple[int, int]


@lru_cache
def disc(radius: int) -> tuple[Offset, ...]:
    """Offsets (rows, columns) within ``radius``, the center left out."""
    reach = range(-radius, radius + 1)
    return tuple((y, x) for y in reach for x in reach if 0 < y * y + x * x <= radius * radius)


def neighbors(maps: Tensor, radius: int) -> Tensor:
    """``(B, 1, h, w)`` to ``(B, (2 radius + 1)^2, h, w)``: the value at each offset of a square, zero outside."""
    side = 2 * radius + 1
    return F.unfold(maps, side, padding=radius).view(len(maps), side * side, *maps.shape[2:])


def channel(offset: Offset, radius: int) -> int:
    """The channel of :func:`neighbors` that holds ``offset``."""
    return (offset[0] + radius) * (2 * radius + 1) + offset[1] + radius


def affinities(boundary: Tensor, radius: int) -> Tensor:
    """``1 - max of the boundary on the way`` to each neighbor (its Eq. 4), ``(B, offsets, h, w)`` as in :func:`disc`.

    Args:
        boundary: ``(B, 1, h, w)`` in [0, 1].
        radius: How far neighbors lie.
    """
    seen = neighbors(boundary, radius)
    return torch.stack([1 - seen[:, _way(offset, radius)].amax(dim=1) for offset in disc(radius)], dim=1)


@lru_cache
def _way(offset: Offset, radius: int) -> list[int]:
    """Channels of the pixels on the straight line to ``offset``, both ends included."""
    steps = max(abs(offset[0]), abs(offset[1]))
    line = [(round(offset[0] * step / steps), round(offset[1] * step / steps)) for step in range(steps + 1)]
    return [channel(place, radius) for place in line]


def affinity_loss(boundary: Tensor, target: Tensor, *, radius: int = 5, ignore_index: int = 255) -> Tensor:
    """Pairs of one kind are alike, pairs of two kinds have a boundary between them (its Eq. 6).

    Args:
        boundary: ``(B, 1, h, w)`` in (0, 1).
        target: ``(B, 1, h, w)`` uint8: 0 surely background, 1 surely lesion, 255 unsure (left out).
        radius: How far apart the pixels of a pair may lie.
        ignore_index: Value of unsure pixels.

    Returns:
        A scalar; zero, with a gradient, if there is no pair.
    """
    affinity = affinities(boundary, radius)
    # Shifted by one, so that the zero outside the image is nobody's kind.
    kinds = torch.where(target == ignore_index, 0, target + 1).float()
    other = neighbors(kinds, radius)[:, [channel(offset, radius) for offset in disc(radius)]]
    same = kinds == other
    alike, apart = -(affinity + EPSILON).log(), -(1 + EPSILON - affinity).log()
    return (
        _mean(alike, same & (kinds == 2)) / 2
        + _mean(alike, same & (kinds == 1)) / 2
        + _mean(apart, ~same & (kinds > 0) & (other > 0))
    )


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
