from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from groundglass.errors import InputError
from groundglass.networks import build_network
from groundglass.networks.light_blocks import MDPPM
from groundglass.networks.light_blocks import Bottleneck
from groundglass.networks.light_blocks import FEBlock
from groundglass.networks.light_blocks import SeparableConv
from groundglass.networks.light_blocks import cell_means
from groundglass.networks.light_unet import LightUNet

SMALL = (4, 8, 8, 8, 8)
SWITCHES: list[dict[str, Any]] = [
    {"fe": False},
    {"channel_attention": False},
    {"context": "none"},
    {"context": "aspp"},
    {"residual_connections": False},
    {"separable": False},
]


def count(network: torch.nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


@pytest.mark.parametrize("options", [{}, *SWITCHES])
@pytest.mark.parametrize("size", [(32, 32), (37, 50)])
def test_logits_have_the_size_of_the_image(options: dict[str, Any], size: tuple[int, int]) -> None:
    network = LightUNet(channels=SMALL, **options).eval()
    with torch.no_grad():
        logits = network(torch.rand(2, 1, *size))
    assert logits.shape == (2, 1, *size)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("options", SWITCHES)
def test_each_switch_changes_the_network(options: dict[str, Any]) -> None:
    whole = count(LightUNet(channels=SMALL))
    other = count(LightUNet(channels=SMALL, **options))
    assert other > whole if options == {"separable": False} else other < whole


def test_it_trains_on_a_batch_of_one_image() -> None:
    network = LightUNet(channels=SMALL, expansion=2).train()
    loss = network(torch.rand(1, 1, 32, 32)).square().mean()
    loss.backward()
    assert torch.isfinite(loss)


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    network = LightUNet(channels=(16, 16, 16, 16, 16), expansion=2).train()
    network(torch.rand(4, 1, 64, 64)).square().mean().backward()
    assert [name for name, one in network.named_parameters() if one.grad is None or not one.grad.any()] == []


def test_four_three_two_and_one_bottlenecks_from_the_top_down() -> None:
    skips = LightUNet(channels=SMALL).skips
    assert [len(skip) for skip in skips] == [4, 3, 2, 1]  # type: ignore[arg-type]


def test_a_separable_convolution_has_the_parameters_it_should() -> None:
    # 9 a channel and 8 x 12 weights, and two numbers of batch norm for each channel.
    assert count(SeparableConv(8, 12)) == 9 * 8 + 8 * 12 + 2 * (8 + 12)


def test_a_bottleneck_adds_and_ends_without_relu() -> None:
    torch.manual_seed(0)
    block, feature = Bottleneck(4, expansion=2).eval(), torch.randn(1, 4, 8, 8)
    assert count(block) == 4 * 8 + 9 * 8 + 8 * 4 + 2 * (8 + 8 + 4)
    added = block(feature) - feature
    assert (added < 0).any()
    assert (added > 0).any()


def test_the_fe_block_sees_seven_pixels_and_its_attention_six_more() -> None:
    torch.manual_seed(0)
    block = FEBlock(1, 4).eval()
    image = torch.zeros(1, 1, 31, 31)
    spot = image.clone()
    spot[0, 0, 15, 15] = 5.0
    changed = ((block(spot) - block(image)).abs() > 1e-7).any(dim=1)[0].nonzero()
    reach = (changed - 15).abs().max()
    assert 3 <= reach <= 3 + 3


@pytest.mark.parametrize("length", [2, 5, 6, 10, 17])
@pytest.mark.parametrize("cells", [1, 2, 3, 6])
def test_pooled_cells_are_those_of_adaptive_pooling(length: int, cells: int) -> None:
    line = torch.rand(1, 1, length)
    assert torch.allclose(line @ cell_means(length, cells).T, functional.adaptive_avg_pool1d(line, cells))


def test_the_context_module_sees_the_whole_image() -> None:
    torch.manual_seed(0)
    module = MDPPM(8).eval()
    feature = torch.rand(1, 8, 12, 12)
    other = feature.clone()
    other[:, :, 0, 0] += 50.0
    assert ((module(other) - module(feature)).abs().amax(dim=1) > 0)[0, -1, -1]


def test_the_default_has_the_parameters_it_says() -> None:
    assert f"{count(LightUNet()):,} parameters" in (LightUNet.__doc__ or "")


def test_wrong_options_are_said() -> None:
    with pytest.raises(InputError, match=r"channels \(4,\), expansion 6: give two channels or more"):
        build_network("light-unet", {"channels": [4]})
    with pytest.raises(InputError, match="context"):
        build_network("light-unet", {"context": "psp"})
