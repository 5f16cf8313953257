"""U-Net's encoder and decoder as parts, for methods that join several decoders or a critic to them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

Norm = Literal["none", "instance", "batch", "layer"]


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """A normalization by name; ``layer`` is over all channels and pixels of an image, ``none`` does nothing."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "none":
        return nn.Identity()
    return nn.GroupNorm(channels if norm == "instance" else 1, channels)


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with a normalization and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, norm: Norm) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [nn.Conv2d(channels, out_channels, 3, padding=1), norm_layer(norm, out_channels)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers)


class Encoder(nn.Module):
    """A block a level; between two levels a 3 x 3 convolution of stride 2 without activation (paper 002 as released).

    Args:
        channels: Channels at strides 1, 2, 4 and so on.
        norm: Normalization of the blocks.
    """

    def __init__(self, channels: Sequence[int], norm: Norm) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvBlock(a, b, norm) for a, b in pairwise((1, *channels)))
        self.downs = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for width in channels[:-1])

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(B, 1, H, W)`` to a map for each level; H and W are multiples of the last stride."""
        features = [self.blocks[0](image)]
        for down, block in zip(self.downs, list(self.blocks)[1:], strict=True):
            features.append(block(down(features[-1])))
        return features


class Decoder(nn.Module):
    """Transposed 2 x 2 convolutions up, the encoder's map of that level beside, and a block.

    Args:
        channels: The encoder's.
        norm: Normalization of the blocks.
    """

    def __init__(self, channels: Sequence[int], norm: Norm) -> None:
        super().__init__()
        levels = [(deep, shallow) for shallow, deep in pairwise(channels)][::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(deep, shallow, 2, stride=2) for deep, shallow in levels)
        self.blocks = nn.ModuleList(ConvBlock(2 * shallow, shallow, norm) for _, shallow in levels)

    def forward(self, features: list[Tensor]) -> Tensor:
        """The encoder's maps to ``(B, channels[0], H, W)``."""
        *skips, feature = features
        for up, block in zip(self.ups, self.blocks, strict=True):
            feature = block(torch.cat([skips.pop(), up(feature)], dim=1))
        return feature


def padded(image: Tensor, stride: int) -> Tensor:
    """``(B, 1, H, W)`` made larger below and at the right, to a multiple of ``stride``, by repeating the last line."""
    height, width = image.shape[2:]
    return F.pad(image, (0, -width % stride, 0, -height % stride), mode="replicate")
