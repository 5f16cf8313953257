"""Plain U-Net with residual blocks, trained from scratch: no pretrained weights needed."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.errors import InputError


class PlainUNet(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) whose blocks have residual connections: 8,112,129 parameters.

    In training a batch must leave batch norm more than one value per channel at the deepest level: a single image
    must be larger than 16 pixels in one direction.

    Args:
        in_channels: Channels of the image.
        channels: Channels at strides 1, 2, 4 and so on; one entry a level.
        stride: Stride of the logits, a power of 2; above 1 the finer levels of the decoder are left out and the logits
            are interpolated, which makes smooth blobs.
        dropout: Probability of dropping a whole channel of the deepest features and of those before the head.

    Raises:
        InputError: If ``channels`` is empty or has an entry below 1, or no level has that stride.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        channels: tuple[int, ...] = (32, 64, 128, 256, 512),
        stride: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise InputError(f"channels {channels} of the plain U-Net must be one positive number or more")
        strides = [2**level for level in range(len(channels))]
        if stride not in strides:
            raise InputError(f"stride {stride} of the plain U-Net must be one of its levels': {strides}")
        self.deepest = strides[-1]
        finest = strides.index(stride)
        self.encoder = nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise((in_channels, *channels)))
        self.pool = nn.MaxPool2d(2)
        up = [(deep, shallow) for shallow, deep in pairwise(channels[finest:])][::-1]
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(deep, shallow, 2, stride=2) for deep, shallow in up)
        self.decoder = nn.ModuleList(ResidualBlock(2 * shallow, shallow) for _, shallow in up)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels[finest], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to logits ``(B, 1, H, W)``; any H and W."""
        height, width = image.shape[2:]
        # Below and to the right, to a multiple of the deepest stride, by repeating the last row and column.
        feature = F.pad(image, (0, -width % self.deepest, 0, -height % self.deepest), mode="replicate")
        size = feature.shape[2:]
        skips: list[Tensor] = []
        for block in self.encoder:
            feature = block(self.pool(feature) if skips else feature)
            skips.append(feature)
        feature = self.dropout(skips.pop())
        for upsample, block in zip(self.upsample, self.decoder, strict=True):
            feature = block(torch.cat([upsample(feature), skips.pop()], dim=1))
        logits: Tensor = self.head(self.dropout(feature))
        if logits.shape[2:] != size:
            logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        return logits[:, :, :height, :width]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm and ReLU, and a 1 x 1 shortcut (He et al., CVPR 2016, Fig. 2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        return F.relu(self.body(feature) + self.shortcut(feature))
