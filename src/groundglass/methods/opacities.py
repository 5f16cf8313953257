"""Made-up opacities for normal slices, so that a network sees what is to be taken away and what was there before.

The idea is that of LabelFree (Yao et al., IEEE TMI 2021), which trains on such slices alone; the shapes here are ours.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MOST = 4
"""Opacities in a slice."""
RADII = (0.04, 0.24)
"""Of an opacity, as shares of half the image; small ones are more frequent."""
STRENGTHS = (0.12, 0.72)
"""How far an opacity brings a pixel towards white: from faint ground glass to consolidation."""


def paste_opacities(image: Tensor, lung: Tensor, share: float) -> Tensor:
    """Slices some of which have opacities painted into their lungs.

    Args:
        image: ``(B, 1, H, W)`` in [-1, 1].
        lung: ``(B, 1, H, W)`` bool.
        share: Part of the slices to paint, by chance.

    Returns:
        ``(B, 1, H, W)``, nowhere darker than ``image``.
    """
    chosen = (torch.rand(len(image)) < share) & lung.flatten(1).any(dim=1).cpu()
    painted = image.clone()
    if chosen.any():
        painted[chosen] = _painted((image[chosen] + 1) / 2, lung[chosen]) * 2 - 1
    return painted


def _painted(image: Tensor, lung: Tensor) -> Tensor:
    """The same for images in [0, 1], all of them."""
    size = image.shape[2:]
    depth = torch.stack([_shape(one[0]) for one in lung]).unsqueeze(1).to(image)
    ragged = depth + 0.35 * _noise(image, size, 10) + 0.15 * _noise(image, size, 4)
    softness = _uniform(image, 2.0, 6.0)
    inside = (softness * ragged).sigmoid() * (8 * (ragged + 0.2)).sigmoid()
    grain = 1 + 0.25 * _noise(image, size, 6) + 0.25 * _noise(image, size, 3) + 0.1 * torch.randn_like(image)
    cover = (_uniform(image, *STRENGTHS) * inside * grain.clamp(0, 2)).clamp(0, 1)
    return torch.where(lung, image + cover * (1 - image), image)


def _shape(lung: Tensor) -> Tensor:
    """``(H, W)``: 0, and more towards the middle of some ellipses with their centers in ``lung`` ``(H, W)``.

    At 0 the noise decides: all of the lung has faint patches, and where an ellipse lies the patches are closed.
    """
    height, width = lung.shape
    places = lung.nonzero().cpu()
    rows, columns = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    depth = torch.zeros(height, width)
    for _ in range(int(torch.randint(1, MOST + 1, ()))):
        row, column = 2 * places[torch.randint(len(places), ())] / torch.tensor([height, width]) - 1
        radius = RADII[0] + (RADII[1] - RADII[0]) * torch.rand(()) ** 1.5
        longer = 1 + torch.rand(())
        distance = (((rows - row) * longer) ** 2 + ((columns - column) / longer) ** 2).sqrt() / radius
        depth = torch.maximum(depth, 1.2 - distance)
    return depth


def _noise(image: Tensor, size: torch.Size, cell: int) -> Tensor:
    """Smooth noise of unit variance at its nodes, which are ``cell`` pixels apart."""
    nodes = [max(length // cell, 2) for length in size]
    return F.interpolate(torch.randn(len(image), 1, *nodes), size=size, mode="bicubic").to(image)


def _uniform(image: Tensor, low: float, high: float) -> Tensor:
    """One number an image, ``(B, 1, 1, 1)``."""
    return (low + (high - low) * torch.rand(len(image), 1, 1, 1)).to(image)
