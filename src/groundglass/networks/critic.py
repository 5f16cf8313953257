"""Paper 002's critic: how normal an image looks, from features of three depths."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.encoder_decoder import norm_layer

LEAK = 0.2
FLAT_LAYERS = 3
"""Convolutions after the last one of stride 2."""


class MultiScaleCritic(nn.Module):
    """Four convolutions of stride 2, three more, and a linear layer on the means of the first, fourth and seventh.

    8,635,329 parameters in the released form.

    Args:
        channels: Channels at strides 2, 4, 8, ...; (64, 128, 256, 512) in the release.
        norm: Normalization of the convolutions. The release has ``batch``, which mixes the images of a batch, so that
            the gradient penalty, defined for one image, no longer is; the others work with a single image too.
        inside: Average over the lungs alone, so that their size and shape say less and their texture more.

    Raises:
        InputError: If there are fewer than two channels, or one is below 1.
    """

    def __init__(
        self, *, channels: tuple[int, ...] = (16, 32, 64, 128), norm: Norm = "instance", inside: bool = False
    ) -> None:
        super().__init__()
        if len(channels) < 2 or min(channels) < 1:
            raise InputError(f"critic_channels must be two numbers or more, all above 0, not {list(channels)}")
        widths = [*channels, *[channels[-1]] * FLAT_LAYERS]
        strides = [2] * len(channels) + [1] * FLAT_LAYERS
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=stride, padding=1), norm_layer(norm, b), nn.LeakyReLU(LEAK))
            for (a, b), stride in zip(pairwise((1, *widths)), strides, strict=True)
        )
        self.seen = (0, len(channels) - 1, len(widths) - 1)
        self.inside = inside
        self.score = nn.Linear(sum(widths[index] for index in self.seen), 1)
        self.apply(_small_random_weights)

    def forward(self, image: Tensor, lung: Tensor | None = None) -> Tensor:
        """``(B, 1, H, W)`` in [-1, 1], and where its lungs are, to scores ``(B,)``, higher for more normal images.

        Without ``lung`` the whole image counts.
        """
        seen, feature = [], image
        where = lung.to(image) if self.inside and lung is not None else None
        for index, layer in enumerate(self.layers):
            feature = layer(feature)
            if index in self.seen:
                seen.append(_mean(feature, where))
        scores: Tensor = self.score(torch.cat(seen, dim=1))
        return scores[:, 0]


def _mean(feature: Tensor, where: Tensor | None) -> Tensor:
    """``(B, C)``: mean over the pixels ``where`` says, each as much as of it is inside."""
    if where is None:
        return feature.mean(dim=(2, 3))
    share = F.adaptive_avg_pool2d(where, (feature.shape[2], feature.shape[3])).to(feature)
    return (feature * share).sum(dim=(2, 3)) / share.sum(dim=(2, 3)).clamp(min=1e-6)


def _small_random_weights(module: nn.Module) -> None:
    """The release's start: N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
