"""The generator of paper 003 (GASNet) as released: what a diseased volume would look like healthy."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.padding import pad_to_multiple


class GasnetGenerator(nn.Module):
    """A 3-D U-Net of five levels: 10,564,768 parameters at base 32. (The paper follows CycleGAN: another one.)

    Args:
        base: Channels after the first convolution, doubled ``levels - 1`` times.
        levels: How often rows and columns are halved; slices are halved once less. The release has 5.

    Raises:
        InputError: If ``base`` is below 1 or ``levels`` below 2.
    """

    def __init__(self, *, base: int = 32, levels: int = 5) -> None:
        super().__init__()
        if base < 1 or levels < 2:
            raise InputError(f"the generator needs base 1 and levels 2 or more, not base {base} and levels {levels}")
        widths = [base * 2**level for level in range(levels)]
        self.stride = (2 ** (levels - 1), 2**levels, 2**levels)
        self.stem = nn.Sequential(
            nn.Conv3d(1, base, (1, 4, 4), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.InstanceNorm3d(base),
            nn.LeakyReLU(0.01, inplace=True),
        )
        self.down = nn.ModuleList(_down(shallow, deep) for shallow, deep in pairwise(widths))
        # All but the deepest get the encoder's features of their own size beside what comes up.
        inputs = [width if width == widths[-1] else 2 * width for width in widths[:0:-1]]
        self.up = nn.ModuleList(_up(wide, narrow) for wide, narrow in zip(inputs, widths[-2::-1], strict=True))
        self.enlarge = nn.Upsample(scale_factor=(1, 2, 2), mode="trilinear", align_corners=False)
        self.head = nn.Conv3d(2 * base, 1, 3, padding=1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, D, H, W)`` in [0, 1] to an image in [0, 1] of that size; any D, H and W."""
        depth, height, width = image.shape[2:]
        skips = [self.stem(pad_to_multiple(2 * image - 1, self.stride))]
        for down in self.down:
            skips.append(down(skips[-1]))
        feature = skips.pop()
        for up in self.up:
            feature = torch.cat([up(feature), skips.pop()], dim=1)
        generated: Tensor = (self.head(self.enlarge(feature)).tanh() + 1) / 2
        return generated[:, :, :depth, :height, :width]


def _down(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, 3, stride=2, padding=1),
        nn.InstanceNorm3d(out_channels),
        nn.LeakyReLU(0.01, inplace=True),
    )


def _up(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False),
        nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.InstanceNorm3d(out_channels),
        nn.ReLU(inplace=True),
    )
