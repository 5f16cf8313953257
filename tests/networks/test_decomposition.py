from __future__ import annotations

import pytest
import torch

from groundglass.errors import InputError
from groundglass.networks import build_network
from groundglass.networks.critic import MultiScaleCritic
from groundglass.networks.decomposition import DecompositionNet
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.vagan import MapGenerator
from groundglass.networks.vagan import VaganCritic

RELEASED = (64, 128, 256, 512, 1024)


def parameters(network: torch.nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


@pytest.mark.parametrize(("decoders", "count"), [("shared", 34_165_058), ("separate", 46_353_538)])
def test_the_released_form_has_the_released_number_of_parameters(decoders: str, count: int) -> None:
    with torch.device("meta"):
        assert parameters(DecompositionNet(channels=RELEASED, decoders=decoders)) == count  # type: ignore[arg-type]


def test_the_released_critic_has_the_released_number_of_parameters() -> None:
    with torch.device("meta"):
        assert parameters(MultiScaleCritic(channels=(64, 128, 256, 512), norm="batch")) == 8_635_329


@pytest.mark.parametrize("norm", ["none", "instance", "layer", "batch"])
@pytest.mark.parametrize("output", ["image", "change", "darker"])
def test_versions_have_the_size_of_the_image_and_lie_between_black_and_white(norm: Norm, output: str) -> None:
    network = DecompositionNet(channels=(4, 8, 8), norm=norm, output=output)  # type: ignore[arg-type]
    for version in network(2 * torch.rand(2, 1, 30, 41) - 1):
        assert version.shape == (2, 1, 30, 41)
        assert version.abs().max() <= 1


@pytest.mark.parametrize(("output", "tolerance"), [("change", 1e-6), ("darker", 0.04)])
def test_a_change_starts_from_the_image_itself(output: str, tolerance: float) -> None:
    image = 2 * torch.rand(1, 1, 16, 16) - 1
    normal, _ = DecompositionNet(channels=(4, 8), output=output)(image)  # type: ignore[arg-type]
    assert (normal - image).abs().max() <= tolerance


def test_shared_decoders_differ_in_their_last_layer_alone() -> None:
    network = DecompositionNet(channels=(4, 8), decoders="shared")
    assert len(network.decoders) == 1
    network.heads[1].load_state_dict(network.heads[0].state_dict())
    normal, lesion = network(torch.rand(1, 1, 16, 16))
    assert torch.equal(normal, lesion)


def test_the_pretrained_encoder_has_the_decoders_of_the_default_network() -> None:
    options = {"encoder": "lite", "channels": [8, 8, 8, 8, 4], "pretrained": False}
    network = build_network("decomposition", {**options, "output": "change"}).eval()
    image = 2 * torch.rand(2, 1, 45, 70) - 1
    normal, lesion = network(image)
    assert normal.shape == lesion.shape == image.shape
    assert torch.equal(normal, image)
    normal.sum().backward()
    assert all(one.grad is not None for one in network.decoders[0].parameters())
    with pytest.raises(InputError, match="must be five with encoder lite"):
        build_network("decomposition", {**options, "channels": [8, 8]})


def test_the_map_generator_has_the_pretrained_encoder_too() -> None:
    options = {"encoder": "lite", "channels": [8, 8, 8, 8, 4], "pretrained": False}
    assert build_network("map-generator", options)(torch.rand(2, 1, 40, 33)).shape == (2, 1, 40, 33)


def test_no_channels_are_refused() -> None:
    with pytest.raises(InputError, match="channels"):
        build_network("decomposition", {"channels": []})


@pytest.mark.parametrize("norm", ["none", "instance", "layer"])
def test_the_critic_takes_a_single_image_and_scores_each_for_itself(norm: Norm) -> None:
    critic = MultiScaleCritic(channels=(4, 8, 8, 8), norm=norm)
    images = torch.rand(3, 1, 32, 32)
    alone = torch.cat([critic(one[None]) for one in images])
    torch.testing.assert_close(critic(images), alone)


def test_a_critic_inside_the_lungs_averages_over_them_alone() -> None:
    critic = MultiScaleCritic(channels=(4, 8), inside=True)
    feature = critic.layers[0](torch.rand(1, 1, 8, 8))
    lung = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    lung[..., :4, :4] = True
    from groundglass.networks.critic import _mean

    torch.testing.assert_close(_mean(feature, lung.float()), feature[:, :, :2, :2].mean(dim=(2, 3)))


def test_vagans_parts_have_the_shapes_they_should() -> None:
    assert MapGenerator(channels=(4, 8))(torch.rand(2, 1, 31, 18)).shape == (2, 1, 31, 18)
    assert VaganCritic()(torch.rand(2, 1, 32, 32)).shape == (2,)
