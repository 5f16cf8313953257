"""Blocks of the light U-Net (paper 004, Figs. 4 to 9)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.networks.attention import SpatialAttention
from groundglass.networks.depthwise import DepthwiseConv

POOLED = (1, 2, 3, 6)
"""Cells a side of MDPPM's pooled maps, PSPNet's; the paper's are not known."""

Conv = Callable[..., nn.Module]


class SeparableConv(nn.Sequential):
    """Depthwise 3 x 3, then pointwise 1 x 1 convolution, each with batch norm and ReLU (paper 004, Fig. 6)."""

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1) -> None:
        depthwise = DepthwiseConv(
            in_channels, in_channels, 3, padding=dilation, dilation=dilation, groups=in_channels, bias=False
        )
        pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        super().__init__(
            *(depthwise, nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True)),
            *(pointwise, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)),
        )


class FullConv(nn.Sequential):
    """Ordinary 3 x 3 convolution with batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1) -> None:
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class ConvBlock(nn.Sequential):
    """Two convolutions (paper 004, Fig. 5)."""

    def __init__(self, in_channels: int, out_channels: int, conv: Conv = SeparableConv) -> None:
        super().__init__(conv(in_channels, out_channels), conv(out_channels, out_channels))


class FEBlock(nn.Module):
    """Features at three scales, weighed by place, with a shortcut (paper 004, Fig. 7; its equations are lost).

    Three convolutions in a row see 3, 5 and 7 pixels (as in MultiResUNet, which the paper cites); their outputs are
    joined by a 1 x 1 convolution, weighed by spatial attention, normalized, and added to a 1 x 1 shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, conv: Conv = SeparableConv) -> None:
        super().__init__()
        self.scales = nn.ModuleList(conv(width, out_channels) for width in (in_channels, out_channels, out_channels))
        self.join = nn.Conv2d(3 * out_channels, out_channels, 1, bias=False)
        self.attention = SpatialAttention()
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        seen: list[Tensor] = []
        for scale in self.scales:
            seen.append(scale(seen[-1] if seen else feature))
        joined = self.norm(self.attention(self.join(torch.cat(seen, dim=1))))
        return F.relu(joined + self.shortcut(feature))


class Bottleneck(nn.Module):
    """Inverted bottleneck: expand, depthwise 3 x 3, project without ReLU, add (MobileNetV2; paper 004, Fig. 9)."""

    def __init__(self, channels: int, expansion: int = 6) -> None:
        super().__init__()
        wide = channels * expansion
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True)),
            *(DepthwiseConv(wide, wide, 3, padding=1, groups=wide, bias=False), nn.BatchNorm2d(wide)),
            *(nn.ReLU6(inplace=True), nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels)),
        )

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, channels, H, W)``, of the same size."""
        added: Tensor = feature + self.body(feature)
        return added


class PooledBranch(nn.Module):
    """The map in a few large cells, in fewer channels, at full size again."""

    def __init__(self, in_channels: int, out_channels: int, cells: int) -> None:
        super().__init__()
        self.cells = cells
        # No batch norm: one cell of a batch of one image is a single value.
        self.reduce = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), nn.ReLU(inplace=True))

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        height, width = feature.shape[2:]
        rows, columns = cell_means(height, self.cells).to(feature), cell_means(width, self.cells).to(feature)
        # The same as adaptive average pooling, whose gradient is not deterministic on GPUs.
        pooled = rows @ feature @ columns.T
        back: Tensor = F.interpolate(self.reduce(pooled), size=(height, width), mode="bilinear", align_corners=False)
        return back


def cell_means(length: int, cells: int) -> Tensor:
    """``(cells, length)``: the matrix that takes the mean over each of ``cells`` parts of a line of pixels."""
    starts = torch.arange(cells) * length // cells
    ends = -(-(torch.arange(1, cells + 1) * length) // cells)
    places = torch.arange(length)
    members = ((places >= starts[:, None]) & (places < ends[:, None])).float()
    return members / members.sum(dim=1, keepdim=True)


class MDPPM(nn.Module):
    """Modified dilated pyramid pooling: pooled branches and two dilated ones beside the input (paper 004, Fig. 8).

    Fixed by the text: pooled branches have fewer channels than the input; there are two dilated separable branches.
    Ours: PSPNet's cells, a quarter of the channels each, dilations 2 and 4.
    """

    def __init__(self, channels: int, conv: Conv = SeparableConv) -> None:
        super().__init__()
        narrow = max(channels // 4, 1)
        self.branches = nn.ModuleList(
            [*(PooledBranch(channels, narrow, cells) for cells in POOLED)]
            + [conv(channels, narrow, dilation=dilation) for dilation in (2, 4)]
        )
        self.join = pointwise(channels + 6 * narrow, channels)

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, channels, H, W)``, of the same size."""
        joined: Tensor = self.join(torch.cat([feature, *(branch(feature) for branch in self.branches)], dim=1))
        return joined


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (DeepLabV3), what paper 004 compares MDPPM with."""

    def __init__(self, channels: int, conv: Conv = SeparableConv) -> None:
        super().__init__()
        narrow = max(channels // 4, 1)
        self.branches = nn.ModuleList(
            [pointwise(channels, narrow), PooledBranch(channels, narrow, 1)]
            + [conv(channels, narrow, dilation=dilation) for dilation in (2, 4, 6)]
        )
        self.join = pointwise(5 * narrow, channels)

    def forward(self, feature: Tensor) -> Tensor:
        """``(B, channels, H, W)``, of the same size."""
        joined: Tensor = self.join(torch.cat([branch(feature) for branch in self.branches], dim=1))
        return joined


def pointwise(in_channels: int, out_channels: int) -> nn.Sequential:
    """1 x 1 convolution with batch norm and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
