"""Depthwise convolutions that keep to float32 on processors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import nn


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that stays in float32 where all others multiply in bfloat16, on a processor.

    oneDNN has no fast weight gradient of these layers in bfloat16: at 96 px they took three quarters of a training
    step of the default network, and take a quarter of that in float32.
    """

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H', W')``."""
        if feature.device.type != "cpu":
            return super().forward(feature)
        with torch.autocast("cpu", enabled=False):
            return super().forward(feature.float())


class SameDepthwiseConv(DepthwiseConv):
    """One of EfficientNet-Lite's, with the package's padding; takes over its weights and their name.

    Args:
        conv: The package's layer, with ``static_padding``.
    """

    def __init__(self, conv: Any) -> None:
        stride, kernel = (conv.stride[0], conv.stride[1]), (conv.kernel_size[0], conv.kernel_size[1])
        # "meta": no weights are drawn, so that those of other layers stay what the seed makes them.
        super().__init__(
            conv.in_channels, conv.out_channels, kernel, stride, groups=conv.groups, bias=False, device="meta"
        )
        self.weight = conv.weight
        self.static_padding = conv.static_padding

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H / stride, W / stride)``, rounded up."""
        padded: Tensor = self.static_padding(feature)
        return super().forward(padded)
