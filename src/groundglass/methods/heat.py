"""From the two versions of an image to a heat map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from groundglass.errors import InputError

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
    # By sorting: torch's own medians along a dimension are refused on GPUs where all must be deterministic.
    ordered = torch.where(inside, heat, torch.inf).flatten(1).sort(dim=1).values
    middle = ((inside.flatten(1).sum(dim=1, keepdim=True) - 1) // 2).clamp(min=0)
    median = ordered.gather(1, middle).nan_to_num(posinf=0.0).view(-1, *[1] * (heat.ndim - 1))
    return (heat - median).clamp(min=0) * inside


@dataclass(frozen=True)
class Cleaning:
    """How a heat map is read: above its median, without what is thin, smoothed.

    Args:
        median: Take the map's own median inside the lungs away; see :func:`above_median`.
        opening: Take away what a square of so many pixels, an odd number, does not fit into: vessels are thinner than
            lesions. 1 for nothing.
        sigma: Standard deviation of a Gaussian in pixels of the network's grid, 0 for none. What is outside the lungs
            neither adds nor dilutes.

    Raises:
        InputError: If the opening is no odd number, or sigma is below 0.
    """

    median: bool
    opening: int
    sigma: float

    def __post_init__(self) -> None:
        if self.opening < 1 or self.opening % 2 == 0:
            raise InputError(f"method_options.opening must be an odd number of pixels, not {self.opening}")
        if not 0 <= self.sigma < math.inf:
            raise InputError(f"method_options: smoothing by {self.sigma} pixels is not possible; give 0 or more")

    def __call__(self, heat: Tensor, inside: Tensor) -> Tensor:
        """``(B, 1, H, W)``, zero where ``inside``, bool and of the same shape, is false."""
        heat = above_median(heat, inside) if self.median else heat * inside
        if self.opening > 1:
            heat = opened(heat, self.opening)
        if self.sigma > 0:
            heat = smoothed(heat, self.sigma) / smoothed(inside.to(heat), self.sigma).clamp_min(1e-3)
        return heat * inside


def opened(heat: Tensor, size: int) -> Tensor:
    """Grey opening ``(B, 1, H, W)`` by a square of ``size`` pixels, odd: the highest of the lowest values around."""
    lowest = -F.max_pool2d(-heat, size, 1, size // 2)
    return F.max_pool2d(lowest, size, 1, size // 2)


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
