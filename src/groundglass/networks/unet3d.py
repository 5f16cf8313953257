"""The segmenter of paper 003 (GASNet) as released: a 3-D U-Net of three levels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.padding import pad_to_multiple

SLOPE = 0.01


class UNet3d(nn.Module):
    """484,701 parameters at base 20 (the release), 310,385 at base 16 (the paper).

    The release makes a fourth level and does not use it; here it is left out.

    Args:
        base: Channels at full resolution; twice and four times as many below.

    Raises:
        InputError: If ``base`` is below 1.
    """

    def __init__(self, *, base: int = 20) -> None:
        super().__init__()
        if base < 1:
            raise InputError(f"base {base} of the 3-D U-Net must be 1 or more")
        self.stem = nn.Sequential(nn.Conv3d(1, base, 3, padding=1), *normalized(base))
        self.first = block(base, base)
        self.down_second = convolution(base, 2 * base, stride=2)
        self.second = block(2 * base, 2 * base)
        self.down_third = convolution(2 * base, 4 * base, stride=2)
        self.third = block(4 * base, 4 * base)
        self.up_second = upsampling(4 * base, 2 * base)
        self.second_again = block(4 * base, 2 * base)
        self.up_first = upsampling(2 * base, base)
        self.first_again = block(2 * base, base)
        self.head = nn.Conv3d(base, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, D, H, W)`` in [0, 1] to logits of that size; any D, H and W."""
        depth, height, width = image.shape[2:]
        first = self.first(self.stem(pad_to_multiple(2 * image - 1, (4, 4, 4))))
        second = self.second(self.down_second(first))
        third = self.third(self.down_third(second))
        second = self.second_again(torch.cat([self.up_second(third), second], dim=1))
        first = self.first_again(torch.cat([self.up_first(second), first], dim=1))
        logits: Tensor = self.head(first)
        return logits[:, :, :depth, :height, :width]


def normalized(channels: int) -> tuple[nn.Module, nn.Module]:
    """Instance norm without weights, and leaky ReLU."""
    return nn.InstanceNorm3d(channels), nn.LeakyReLU(SLOPE, inplace=True)


def convolution(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    """3 x 3 x 3 convolution without bias, normalized."""
    layer = nn.Conv3d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(layer, *normalized(out_channels))


def upsampling(in_channels: int, out_channels: int) -> nn.Sequential:
    """Twice the size, then a convolution."""
    up = nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False)
    return nn.Sequential(up, *convolution(in_channels, out_channels))


def block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Twice: a convolution in the slice and one across slices, with nothing between them, normalized."""
    return nn.Sequential(*_flat(in_channels, out_channels), *_flat(out_channels, out_channels))


def _flat(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    within = nn.Conv3d(in_channels, out_channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
    across = nn.Conv3d(out_channels, out_channels, (3, 1, 1), padding=(1, 0, 0), bias=False)
    return (within, across, *normalized(out_channels))
