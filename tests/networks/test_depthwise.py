"""Depthwise convolutions under autocast."""

from __future__ import annotations

import torch
from torch import nn

from groundglass.networks.depthwise import DepthwiseConv
from groundglass.networks.light_unet import LightUNet
from groundglass.networks.unet import UNet


def test_stays_in_float32_where_others_multiply_in_bfloat16() -> None:
    """Its weight gradient in bfloat16 is what made training slow."""
    image = torch.rand(1, 4, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert DepthwiseConv(4, 4, 3, groups=4)(image.bfloat16()).dtype == torch.float32
        assert nn.Conv2d(4, 4, 3)(image).dtype == torch.bfloat16


def test_every_depthwise_convolution_of_the_networks_is_one() -> None:
    """None is left to the library's own layer."""
    for network in (UNet(pretrained=False), LightUNet()):
        depthwise = [one for one in network.modules() if isinstance(one, nn.Conv2d) and one.groups > 1]
        assert depthwise
        assert all(isinstance(one, DepthwiseConv) for one in depthwise)


def test_the_seed_makes_the_same_weights() -> None:
    """Taking the package's weights over draws no numbers."""
    torch.manual_seed(0)
    first = UNet(pretrained=False)
    torch.manual_seed(0)
    second = UNet(pretrained=False)
    assert torch.equal(first.head.weight, second.head.weight)
    assert all(one.device.type == "cpu" for one in first.parameters())
