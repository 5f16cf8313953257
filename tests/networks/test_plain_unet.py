"""The plain U-Net takes any size, learns, and is as large as it says."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.plain_unet import PlainUNet


def test_parameter_count_is_that_of_the_docstring() -> None:
    with torch.device("meta"):
        network = PlainUNet()
    assert PlainUNet.__doc__ is not None
    assert f"{sum(parameter.numel() for parameter in network.parameters()):,} parameters" in PlainUNet.__doc__


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 31), (45, 50), (352, 385)])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_logits_have_the_size_of_the_image(size: tuple[int, int], in_channels: int) -> None:
    with torch.device("meta"):
        logits = PlainUNet(in_channels=in_channels)(torch.empty(2, in_channels, *size))
    assert logits.shape == (2, 1, *size)


@pytest.mark.parametrize("channels", [(4,), (4, 8), (2, 4, 4, 8)])
def test_channels_set_the_levels(channels: tuple[int, ...]) -> None:
    network = PlainUNet(channels=channels)
    pools: list[torch.Tensor] = []
    network.pool.register_forward_hook(lambda _module, _input, output: pools.append(output))
    assert network(torch.rand(2, 1, 13, 9)).shape == (2, 1, 13, 9)
    assert len(pools) == len(channels) - 1
    assert [pool.shape[1] for pool in pools] == list(channels[:-1])


def test_padding_stays_out_of_the_logits() -> None:
    """An odd image has the logits of the same image with its last row and column repeated up to a size that fits."""
    torch.manual_seed(0)
    network = PlainUNet(channels=(4, 8, 8)).eval()
    image = torch.rand(1, 1, 13, 14)
    padded = F.pad(image, (0, 2, 0, 3), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(network(image), network(padded)[:, :, :13, :14])


def test_learns_one_tiny_image() -> None:
    torch.manual_seed(0)
    network = PlainUNet(channels=(8, 16, 32))
    image = torch.rand(1, 1, 30, 33)
    mask = torch.zeros_like(image)
    mask[:, :, 5:12, 6:20] = 1.0
    mask[:, :, 22, 25] = 1.0
    image += 0.5 * mask
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(network(image), mask).backward()
        optimizer.step()
    predicted = network(image) > 0
    assert torch.equal(predicted, mask.bool())


def test_shortcut_carries_the_image_past_a_dead_body() -> None:
    network = PlainUNet(channels=(4,)).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.zeros_(layer.weight)
    image = torch.rand(1, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image).sum(), image)
    assert gradient.abs().sum() > 0


def test_dropout_acts_on_the_deepest_features_and_before_the_head() -> None:
    torch.manual_seed(0)
    network = PlainUNet(channels=(8, 16), dropout=0.5).eval()
    image = torch.rand(1, 1, 16, 16)
    assert torch.equal(network(image), network(image))
    shapes: list[torch.Size] = []
    network.dropout.register_forward_hook(lambda _module, _input, output: shapes.append(output.shape[1:]))
    network.dropout.train()
    assert not torch.equal(network(image), network(image))
    assert shapes[:2] == [(16, 8, 8), (8, 16, 16)]


@pytest.mark.parametrize("channels", [(), (8, 0), (-1,)])
def test_senseless_channels_are_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="channels"):
        PlainUNet(channels=channels)


@pytest.mark.parametrize("stride", [2, 4])
def test_logits_at_a_stride_are_interpolated(stride: int) -> None:
    network = PlainUNet(channels=(2, 4, 8), stride=stride)
    coarse: list[torch.Tensor] = []
    network.head.register_forward_hook(lambda _module, _input, output: coarse.append(output))
    assert network(torch.rand(2, 1, 16, 24)).shape == (2, 1, 16, 24)
    assert coarse[0].shape == (2, 1, 16 // stride, 24 // stride)


def test_an_impossible_stride_is_refused() -> None:
    with pytest.raises(InputError, match=r"stride 8 .* \[1, 2, 4\]"):
        PlainUNet(channels=(2, 4, 8), stride=8)
