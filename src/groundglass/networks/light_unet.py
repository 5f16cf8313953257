"""The light U-Net of paper 004: separable convolutions, attention, and bottlenecks on the skips."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.attention import ChannelAttention
from groundglass.networks.light_blocks import ASPP
from groundglass.networks.light_blocks import MDPPM
from groundglass.networks.light_blocks import Bottleneck
from groundglass.networks.light_blocks import Conv
from groundglass.networks.light_blocks import ConvBlock
from groundglass.networks.light_blocks import FEBlock
from groundglass.networks.light_blocks import FullConv
from groundglass.networks.light_blocks import SeparableConv
from groundglass.networks.light_blocks import pointwise


class LightUNet(nn.Module):
    """U-Net with the blocks of paper 004, each of which can be switched off: 3,912,920 parameters.

    Every level but the last: FE block, channel attention, pooling. The last: two convolutions and MDPPM. Decoder:
    upsampling, 1 x 1 convolution, joined with the encoder's features after 4, 3, 2, 1 bottlenecks from the top down,
    two convolutions. Channels, expansion and reduction are not in the paper's text.

    Args:
        channels: Channels at strides 1, 2, 4 and so on; the paper has five levels.
        fe: FE blocks in the encoder; else two convolutions.
        channel_attention: Weigh the channels of each encoder level.
        context: At the deepest level ``mdppm``, ``aspp`` or ``none``.
        residual_connections: Bottlenecks on the skips.
        separable: Separable convolutions; else ordinary ones.
        expansion: Channels inside a bottleneck, relative to its input's.
        dropout: Probability of dropping a whole channel of the deepest features and of those before the head.

    Raises:
        InputError: If ``channels`` has fewer than two entries or one below 1.
    """

    def __init__(
        self,
        *,
        channels: tuple[int, ...] = (32, 64, 128, 256, 512),
        fe: bool = True,
        channel_attention: bool = True,
        context: Literal["mdppm", "aspp", "none"] = "mdppm",
        residual_connections: bool = True,
        separable: bool = True,
        expansion: int = 6,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(channels) < 2 or min(channels) < 1 or expansion < 1:
            raise InputError(
                f"light U-Net: channels {channels}, expansion {expansion}: give two channels or more, all above 0"
            )
        conv: Conv = SeparableConv if separable else FullConv
        block = FEBlock if fe else ConvBlock
        *shallow, deepest = channels
        self.stride = 2 ** len(shallow)
        self.encoder = nn.ModuleList(block(before, after, conv) for before, after in pairwise((1, *shallow)))
        self.weigh = nn.ModuleList(ChannelAttention(width) if channel_attention else nn.Identity() for width in shallow)
        self.pool = nn.MaxPool2d(2)
        self.bottom = nn.Sequential(ConvBlock(shallow[-1], deepest, conv), _context(context, deepest, conv))
        counts = range(len(shallow), 0, -1) if residual_connections else [0] * len(shallow)
        self.skips = nn.ModuleList(
            nn.Sequential(*(Bottleneck(width, expansion) for _ in range(count)))
            for width, count in zip(shallow, counts, strict=True)
        )
        up = list(pairwise(channels[::-1]))
        self.reduce = nn.ModuleList(pointwise(deep, width) for deep, width in up)
        self.decoder = nn.ModuleList(ConvBlock(2 * width, width, conv) for _, width in up)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to logits ``(B, 1, H, W)``; any H and W."""
        height, width = image.shape[2:]
        # Below and to the right, to a multiple of the deepest stride, by repeating the last row and column.
        feature = F.pad(image, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        kept: list[Tensor] = []
        for block, weigh, skip in zip(self.encoder, self.weigh, self.skips, strict=True):
            feature = weigh(block(feature))
            kept.append(skip(feature))
            feature = self.pool(feature)
        feature = self.dropout(self.bottom(feature))
        for reduce, block in zip(self.reduce, self.decoder, strict=True):
            feature = reduce(F.interpolate(feature, scale_factor=2, mode="nearest"))
            feature = block(torch.cat([feature, kept.pop()], dim=1))
        logits: Tensor = self.head(self.dropout(feature))
        return logits[:, :, :height, :width]


def _context(name: str, channels: int, conv: Conv) -> nn.Module:
    if name == "none":
        return nn.Identity()
    return MDPPM(channels, conv) if name == "mdppm" else ASPP(channels, conv)
