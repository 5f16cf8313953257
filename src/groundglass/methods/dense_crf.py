"""A dense CRF that brings heat maps to the edges in the image (Kraehenbuehl and Koltun, NeurIPS 2011)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class DenseCRF:
    """Mean-field inference of two classes with an appearance and a smoothness kernel.

    Each step adds to a pixel's logit what its neighbors are on average (-1 background, 1 lesion), weighed by how near
    they are and how alike. Both kernels are normalized pixel by pixel, so the weights mean the same at any size.

    To be quick without a permutohedral lattice, the appearance kernel looks at every ``step``-th pixel in both
    directions up to ``reach`` pixels away, which stands for those between; with ``step=1`` and a reach of the
    image's size it is exact. It stands in for the CRF-RNN of paper 004's baselines: only the heat map is refined,
    nothing is learned.

    Args:
        iterations: Mean-field steps.
        appearance: Weight of neighbors that are near and of like grey.
        smoothness: Weight of the nearest neighbors.
        sigma_place: Width of the appearance kernel in pixels.
        sigma_grey: Its width in grey values, which are in [0, 1].
        sigma_smooth: Width of the smoothness kernel in pixels; cut at three times that.
        reach: How far the appearance kernel looks, in pixels; a multiple of ``step``.
        step: Pixels between those it looks at.
    """

    iterations: int = 5
    appearance: float = 3.0
    smoothness: float = 1.0
    sigma_place: float = 10.0
    sigma_grey: float = 0.08
    sigma_smooth: float = 1.5
    reach: int = 18
    step: int = 3

    def refine(self, heat: Tensor, image: Tensor) -> Tensor:
        """Heat maps after inference.

        Args:
            heat: ``(B, 1, H, W)`` in [0, 1]; 0.5 says nothing.
            image: ``(B, 1, H, W)`` in [0, 1]; black pixels take no part and stay 0.

        Returns:
            ``(B, 1, H, W)`` probabilities.
        """
        # One at a time: there are a few hundred values a pixel.
        return torch.cat([self._refine_one(*pair) for pair in zip(heat[:, None], image[:, None], strict=True)])

    def _refine_one(self, heat: Tensor, image: Tensor) -> Tensor:
        part = (image > 0).to(heat)
        alike, near = self._appearance(image, part), self._nearness(heat)
        near_sum = F.conv2d(part, near, padding=near.shape[-1] // 2).clamp_min(1e-8)
        unary = heat.logit(1e-2)
        logits = unary
        for _ in range(self.iterations):
            vote = (2 * logits.sigmoid() - 1) * part
            like = (alike * self._seen(vote)).sum(dim=1, keepdim=True)
            smooth = F.conv2d(vote, near, padding=near.shape[-1] // 2) / near_sum
            logits = unary + self.appearance * like + self.smoothness * smooth
        return logits.sigmoid() * part

    def _seen(self, maps: Tensor) -> Tensor:
        """``(1, 1, H, W)`` to ``(1, K, H, W)``: each pixel's neighbors, zero outside the image."""
        count = self.reach // self.step
        patches = F.unfold(maps, 2 * count + 1, dilation=self.step, padding=count * self.step)
        return patches.view(1, -1, *maps.shape[2:])

    def _appearance(self, image: Tensor, part: Tensor) -> Tensor:
        """``(1, K, H, W)``: weights of each pixel's neighbors, which sum to 1; the pixel itself has none."""
        count = self.reach // self.step
        line = torch.arange(-count, count + 1, device=image.device) * self.step
        square = (line[:, None] ** 2 + line[None, :] ** 2).flatten().to(image)
        distance = square.view(1, -1, 1, 1) / (2 * self.sigma_place**2)
        grey = (self._seen(image) - image) ** 2 / (2 * self.sigma_grey**2)
        weights = (-distance - grey).exp() * self._seen(part)
        weights[:, weights.shape[1] // 2] = 0
        return weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-8)

    def _nearness(self, like: Tensor) -> Tensor:
        """``(1, 1, k, k)``: a Gaussian whose middle is 0."""
        radius = math.ceil(3 * self.sigma_smooth)
        line = torch.arange(-radius, radius + 1, device=like.device).to(like)
        kernel = (-(line[:, None] ** 2 + line[None, :] ** 2) / (2 * self.sigma_smooth**2)).exp()
        kernel[radius, radius] = 0
        return kernel[None, None]
