"""From the two versions of an image to a heat map."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Heat = Literal["difference", "positive", "lesion"]


def heat_map(image: Tensor, normal: Tensor, lesion: Tensor, reading: Heat) -> Tensor:
    """Where the lesions are, in [0, 1].

    Args:
        image: ``(B, 1, *spatial)`` in [-1, 1].
        normal: Its normal version.
        lesion: Its lesion version.
        reading: ``difference``, ``|image - normal|`` in grey values of [0, 1] (paper 002 as released); ``positive``,
            only what is brighter than normal; or ``lesion``, the lesion version's positive part. (Paper 002's text has
            the lesion version moved from [-1, 1] to [0, 1] and a threshold of 0.4, above which "no lesion" lies too.)
    """
    if reading == "lesion":
        return lesion.clamp(0, 1)
    difference = (image - normal) / 2
    return difference.abs() if reading == "difference" else difference.clamp(min=0)


def above_median(heat: Tensor, inside: Tensor) -> Tensor:
    """How far a heat map lies above its own median inside the lungs; 0 where it does not.

    A slice in an unusual window is changed everywhere, and would outshine the lesions of all others.

    Args:
        heat: ``(B, 1, *spatial)``.
        inside: The same, bool; an image without lung gives nothing.
    """
    flat = torch.where(inside, heat, torch.nan).flatten(1)
    median = flat.nanmedian(dim=1).values.nan_to_num(0.0).view(-1, *[1] * (heat.ndim - 1))
    return (heat - median).clamp(min=0) * inside


def smoothed(heat: Tensor, sigma: float) -> Tensor:
    """``(B, 1, H, W)`` after a Gaussian of ``sigma`` pixels; 0 leaves it as it is."""
    if sigma <= 0:
        return heat
    reach = int(3 * sigma + 0.5)
    at = torch.arange(-reach, reach + 1, dtype=heat.dtype, device=heat.device)
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    bell = bell / bell.sum()
    down = F.conv2d(heat, bell[None, None, :, None], padding=(reach, 0))
    return F.conv2d(down, bell[None, None, None, :], padding=(0, reach))
