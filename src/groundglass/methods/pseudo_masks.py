"""From fused activation maps and saliency to pseudo masks with unsure pixels (paper 004; OAA's published rule)."""

from __future__ import annotations

import torch
from torch import Tensor

from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.methods.heat import smoothed
from groundglass.methods.heat_maps import relative
from groundglass.methods.heat_maps import resized

LESION = 0.3
"""Attention below which nothing is lesion."""

BACKGROUND = 32 / 255
"""Saliency from which on nothing is background."""

CONFLICT = 0.8
"""Attention above which nothing is background."""

DARK, BRIGHT = 0.5, 0.99
"""Shares of the lung's pixels that are darker than what is not salient, and than what is most salient."""

SIGMA = 1.0
"""Smoothing of the image before it is taken for saliency, in pixels of the network's grid."""


def intensity_saliency(image: Tensor, lung: Tensor) -> Tensor:
    """What stands out from its lung by brightness: the stand-in for the saliency network of paper 004.

    0 outside the lung and up to the lung's median grey, 1 from its 99th percentile on (in bfloat16, which has no 0.99,
    from its 98.8th). An image without lung counts as all lung.

    Args:
        image: ``(B, 1, H, W)`` in [0, 1].
        lung: ``(B, 1, H, W)`` bool.
    """
    lung = lung | ~lung.flatten(1).any(dim=1).view(-1, 1, 1, 1)
    weight = lung.to(image)
    # Divided, so that the black outside does not bleed in.
    smooth = smoothed(image * weight, SIGMA) / smoothed(weight, SIGMA).clamp_min(1e-6)
    values = smooth.masked_fill(~lung, torch.nan).flatten(1)
    shares = torch.tensor([DARK, BRIGHT]).to(values)
    # In float32: where layers multiply in bfloat16 so does the smoothing, and GPUs have no quantile of that.
    dark, bright = values.float().nanquantile(shares.float(), dim=1).view(2, -1, 1, 1, 1)
    saliency: Tensor = ((smooth - dark) / (bright - dark).clamp_min(1e-6)).clamp(0, 1) * weight
    return saliency


def pseudo_masks(attention: Tensor, saliency: Tensor, inside: Tensor) -> Tensor:
    """Lesion, background, or neither, for slices that have a lesion.

    A pixel is lesion if its attention is 0.3 or more and above ``1 - saliency``, the score of background. What is not
    lesion is background if its saliency is below 32/255 and its attention 0.8 or less, and else left open. What lies
    outside is background. Published for objects of natural images, where an image with less than 1 % of object is left
    out whole; lesions are often smaller than that, so none is.

    Args:
        attention: Fused maps ``(B, 1, h, w)``, divided by their maximum here.
        saliency: ``(B, 1, H, W)`` in [0, 1].
        inside: ``(B, 1, H, W)`` bool: where a lesion can be, the lungs.

    Returns:
        ``(B, 1, H, W)`` uint8: 0 background, 1 lesion, 255 neither.
    """
    score = relative(resized(attention, saliency.shape[2:]) * inside)
    lesion = (score >= LESION) & (score > 1 - saliency) & inside
    background = ~lesion & (saliency < BACKGROUND) & (score <= CONFLICT)
    masks = torch.full_like(score, IGNORE_INDEX, dtype=torch.uint8)
    masks[background | ~inside] = 0
    masks[lesion] = 1
    return masks
