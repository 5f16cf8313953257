from __future__ import annotations

from typing import Any

import pytest
import torch

from groundglass.errors import InputError
from groundglass.networks import build_network
from groundglass.networks.attention import ChannelAttention
from groundglass.networks.attention import SpatialAttention
from groundglass.networks.classifier import Classifier
from groundglass.networks.encoders import GreyLiteEncoder
from groundglass.networks.unet import LiteEncoder


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_the_map_is_at_the_stride_asked_for(stride: Any) -> None:
    network = Classifier(stride=stride, pretrained=False).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 1, 64, 96)).shape == (2, 1, 64 // stride, 96 // stride)


def test_at_stride_32_it_is_the_pretrained_encoder() -> None:
    image = torch.rand(1, 1, 64, 64)
    mine, plain = GreyLiteEncoder(stride=32).eval(), LiteEncoder().eval()
    with torch.no_grad():
        pairs = zip(mine(image), plain(mine.input(image)), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_dilation_in_place_of_a_halving_computes_the_same_values_more_often() -> None:
    """Every second value of the dilated map at stride 16 is that of the map at stride 32, away from the rim."""
    image = torch.rand(1, 1, 320, 320)
    with torch.no_grad():
        dense = GreyLiteEncoder(stride=16).eval()(image)[-1]
        sparse = GreyLiteEncoder(stride=32).eval()(image)[-1]
        undilated = GreyLiteEncoder(stride=16, dilate=False).eval()(image)[-1]
    # The pretrained halving pads an even side below and to the right only, so its values sit on odd places.
    shifted = [dense[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)]
    close = [torch.allclose(one[:, :, 4:6, 4:6], sparse[:, :, 4:6, 4:6], atol=1e-3) for one in shifted]
    assert any(close)
    assert not torch.allclose(undilated[:, :, 1::2, 1::2][:, :, 4:6, 4:6], sparse[:, :, 4:6, 4:6], atol=1e-3)


@pytest.mark.parametrize("size", [(32, 32), (33, 45)])
def test_the_plain_encoder_takes_any_size(size: tuple[int, int]) -> None:
    network = build_network("classifier", {"encoder": "plain", "channels": [4, 8, 8], "attention": True})
    with torch.no_grad():
        maps = network.eval()(torch.rand(2, 1, *size))
    assert maps.shape == (2, 1, -(-size[0] // 4), -(-size[1] // 4))


@pytest.mark.slow  # importing monai takes seconds
def test_resnet18_is_there_where_monai_is() -> None:
    pytest.importorskip("monai")
    network = Classifier(encoder="resnet18").eval()
    with torch.no_grad():
        assert network(torch.rand(1, 1, 64, 64)).shape == (1, 1, 2, 2)
    assert network.channels == tuple(one.shape[1] for one in network.features(torch.rand(1, 1, 64, 64)))


@pytest.mark.parametrize("attention", [False, True])
def test_every_parameter_learns_also_from_one_image(attention: bool) -> None:
    torch.manual_seed(0)
    network = Classifier(encoder="plain", channels=(4, 8), attention=attention).train()
    network(torch.rand(1, 1, 32, 32)).square().mean().backward()
    assert [name for name, one in network.named_parameters() if one.grad is None or not one.grad.any()] == []


def test_spatial_attention_is_a_factor_for_each_place() -> None:
    attention, feature = SpatialAttention(), torch.rand(2, 5, 8, 8) + 0.1
    factor = attention(feature) / feature
    assert torch.allclose(factor, factor[:, :1].expand_as(factor), atol=1e-5)
    assert ((factor > 0) & (factor < 1)).all()
    with torch.no_grad():
        attention.weigh.weight.zero_()
        attention.weigh.weight[0, 0, 3, 3] = 1.0  # of the mean of the channels, the place itself
        attention.weigh.bias.zero_()
    assert torch.allclose(attention(feature), feature * feature.mean(1, keepdim=True).sigmoid())


def test_channel_attention_is_a_factor_for_each_channel_of_each_image() -> None:
    attention, feature = ChannelAttention(10, reduction=2), torch.rand(2, 10, 6, 6) + 0.1
    factor = attention(feature) / feature
    assert torch.allclose(factor, factor[:, :, :1, :1].expand_as(factor), atol=1e-5)
    assert sum(one.numel() for one in attention.parameters()) == 10 * 5 + 5 + 5 * 10 + 10
    assert ChannelAttention(10).weigh[0].out_features == 4


def test_wrong_options_are_said() -> None:
    with pytest.raises(InputError, match=r"channels \(4, 0\)"):
        build_network("classifier", {"encoder": "plain", "channels": [4, 0]})
    with pytest.raises(InputError, match="stride"):
        build_network("classifier", {"stride": 4})
