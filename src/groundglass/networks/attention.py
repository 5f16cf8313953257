"""Attention over places and over channels, as CBAM and squeeze-and-excitation have it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn


class SpatialAttention(nn.Module):
    """Weight each place: ``M = sigmoid(conv7x7([mean of channels; max of channels]))``, ``M * F`` (CBAM, ECCV 2018).

    Args:
        kernel_size: Side of the convolution, odd.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2)

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, C, H, W)``, weighted, of the same size."""
        summary = torch.cat([feature.mean(dim=1, keepdim=True), feature.amax(dim=1, keepdim=True)], dim=1)
        weights: Tensor = self.weigh(summary).sigmoid()
        return feature * weights


class ChannelAttention(nn.Module):
    """Weight each channel by what it is on average: squeeze-and-excitation (Hu et al., CVPR 2018; paper 004, Fig. 4).

    Args:
        channels: Channels of the feature map.
        reduction: How many times fewer there are between the two fully connected layers; at least 4 are kept.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.weigh = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, C, H, W)``, weighted, of the same size."""
        weights: Tensor = self.weigh(feature.mean(dim=(2, 3)))
        return feature * weights[:, :, None, None]
