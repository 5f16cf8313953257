"""Networks of volumes: parameters as released, any size, and what is special about each."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from groundglass.errors import InputError
from groundglass.networks import AUXILIARY
from groundglass.networks import VOLUME_NETWORKS
from groundglass.networks import build_network
from groundglass.networks.gasnet_discriminator import GasnetDiscriminator
from groundglass.networks.gasnet_generator import GasnetGenerator
from groundglass.networks.padding import pad_to_multiple
from groundglass.networks.unet3d import UNet3d

SMALL: dict[str, dict[str, Any]] = {"unet3d": {"base": 2}, "vnet": {}, "unet-plus-plus": {"base": 2}}


def parameters(network: torch.nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


def test_they_have_the_released_number_of_parameters() -> None:
    assert (parameters(UNet3d(base=20)), parameters(UNet3d(base=16))) == (484_701, 310_385)
    assert parameters(GasnetGenerator()) == 10_564_768
    assert parameters(GasnetDiscriminator()) == 11_952_065


@pytest.mark.parametrize("name", [name for name in VOLUME_NETWORKS if name != "vnet"])
@pytest.mark.parametrize("shape", [(6, 33, 40), (16, 32, 32)])
def test_segmenters_take_any_size(name: str, shape: tuple[int, int, int]) -> None:
    network = build_network(name, SMALL[name])
    logits = network(torch.rand(2, 1, *shape))
    assert logits.shape == (2, 1, *shape)
    logits.mean().backward()
    assert sum(one.grad is not None for one in network.parameters()) > 20


@pytest.mark.slow
def test_v_net_takes_any_size() -> None:
    """45 million parameters, and MONAI's has no option for fewer."""
    network = build_network("vnet", {"dropout": 0.1}).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 1, 9, 33, 32)).shape == (1, 1, 9, 33, 32)


@pytest.mark.parametrize("shape", [(5, 33, 40), (8, 32, 32)])
def test_the_generator_gives_an_image_of_the_same_size(shape: tuple[int, int, int]) -> None:
    image = AUXILIARY.build("gasnet-generator", {"base": 2, "levels": 3})(torch.rand(2, 1, *shape))
    assert image.shape == (2, 1, *shape)
    assert (image.min() >= 0, image.max() <= 1) == (True, True)


@pytest.mark.parametrize("shape", [(3, 20, 40), (8, 32, 32), (17, 33, 65)])
@pytest.mark.parametrize("cells", [(1, 1, 1), (2, 3, 3)])
def test_the_discriminator_takes_any_size(shape: tuple[int, int, int], cells: tuple[int, int, int]) -> None:
    network = GasnetDiscriminator(base=2, levels=3, cells=cells)
    assert network(torch.rand(2, 1, *shape)).shape == (2,)


def test_at_the_released_size_the_cells_are_the_features_themselves() -> None:
    network = GasnetDiscriminator(base=1, levels=5)
    features = network.features(torch.rand(1, 1, 32, 160, 160))
    assert features.shape == (1, 16, 2, 5, 5)
    assert torch.equal(network.pool(features), features)


def test_convolutions_of_the_discriminator_have_a_spectral_norm_of_one() -> None:
    network = GasnetDiscriminator(base=2, levels=2, cells=(1, 1, 1))
    for _ in range(50):
        network(torch.rand(1, 1, 4, 16, 16))
    convolutions = [one for one in network.modules() if isinstance(one, torch.nn.Conv3d)]
    assert len(convolutions) == 3
    for one in convolutions:
        assert float(torch.linalg.matrix_norm(one.weight.flatten(1), 2)) == pytest.approx(1, abs=0.02)
    plain = GasnetDiscriminator(base=2, levels=2, cells=(1, 1, 1), spectral=False)
    assert not any(hasattr(one, "parametrizations") for one in plain.modules())


def test_padding_repeats_the_last_voxels() -> None:
    image = torch.arange(3.0).view(1, 1, 1, 1, 3)
    assert pad_to_multiple(image, (1, 1, 4)).flatten().tolist() == [0, 1, 2, 2]
    assert pad_to_multiple(image, (1, 1, 3)) is image


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gasnet-generator", {"levels": 1}),
        ("gasnet-discriminator", {"cells": [0, 1, 1]}),
        ("gasnet-discriminator", {"base": 0}),
    ],
)
def test_senseless_options_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="needs base 1"):
        AUXILIARY.build(name, options)


@pytest.mark.parametrize(
    ("name", "options"), [("unet3d", {"base": 0}), ("vnet", {"dropout": 1.0}), ("unet-plus-plus", {"base": 0})]
)
def test_senseless_segmenters_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=str(next(iter(options)))):
        build_network(name, options)
