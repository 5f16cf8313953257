"""Encoders of the slice classifier: an image to feature maps, from shallow to deep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from typing import Literal

import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.imagenet import ImageNetInput
from groundglass.networks.plain_unet import ResidualBlock
from groundglass.networks.unet import SKIPS
from groundglass.networks.unet import LiteEncoder

Stride = Literal[8, 16, 32]


class GreyLiteEncoder(nn.Module):
    """EfficientNet-Lite0 on grey images, its deepest map at stride 8, 16 or 32.

    Below 32 the last halvings are left out.

    Args:
        stride: Pixels of the image to a pixel of the deepest map.
        dilate: Dilate what follows a halving that is left out, so that each pretrained kernel looks at what it was
            trained to look at (as DeepLab does; Chen et al., TPAMI 2018). Processors are slow at it.
        pretrained: Start from ImageNet.
    """

    channels: tuple[int, ...] = tuple(width for _, width in SKIPS)

    def __init__(self, *, stride: Stride = 16, dilate: bool = True, pretrained: bool = True) -> None:
        super().__init__()
        self.input = ImageNetInput()
        self.encoder = LiteEncoder(pretrained=pretrained)
        _limit_stride(self.encoder.blocks, stride, dilate)

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(B, 1, H, W)`` in [0, 1] to five maps."""
        features: list[Tensor] = self.encoder(self.input(image))
        return features


def _limit_stride(blocks: nn.ModuleList, stride: int, dilate: bool) -> None:
    reached, dilation = 2, 1
    for block in blocks:
        conv: Any = block._depthwise_conv
        halves = conv.stride[0] == 2
        if halves and reached < stride:
            reached *= 2
            continue
        # Where nothing is halved, the package's padding is the symmetric one anyway.
        conv.stride, conv.dilation = (1, 1), (dilation, dilation)
        conv.static_padding = nn.ZeroPad2d(dilation * (conv.kernel_size[0] // 2))
        if halves and dilate:
            dilation *= 2


class PlainEncoder(nn.Module):
    """Residual blocks from scratch; the first at stride 1, each of the others at half the size of the one before.

    Args:
        channels: Channels at strides 1, 2, 4 and so on.

    Raises:
        InputError: If ``channels`` is empty or has an entry below 1.
    """

    def __init__(self, *, channels: Sequence[int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise InputError(f"channels {tuple(channels)} of the classifier must be one positive number or more")
        self.channels = tuple(channels)
        self.blocks = nn.ModuleList(ResidualBlock(before, after) for before, after in pairwise((1, *channels)))

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(B, 1, H, W)`` to one map a block."""
        features: list[Tensor] = []
        feature = image
        for block in self.blocks:
            feature = block(F.max_pool2d(feature, 2, ceil_mode=True) if features else feature)
            features.append(feature)
        return features


class ResNet18Encoder(nn.Module):
    """ResNet-18 from scratch, the encoder of paper 002's CAM: maps at strides 2, 4, 8, 16 and 32.

    Raises:
        InputError: If the package monai, whose network it is, is not installed.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256, 512)

    def __init__(self) -> None:
        super().__init__()
        try:
            from monai.networks.nets.resnet import ResNetFeatures
        except ImportError as error:
            raise InputError("encoder resnet18 needs the package monai; install it, or choose encoder lite") from error
        self.body = ResNetFeatures("resnet18", pretrained=False, spatial_dims=2, in_channels=1)
        for module in self.body.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=math.sqrt(5))

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(B, 1, H, W)`` to five maps."""
        features: list[Tensor] = self.body(image)
        return features
