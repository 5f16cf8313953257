from __future__ import annotations

import pytest
import torch

from groundglass.errors import InputError
from groundglass.networks import build_network
from groundglass.networks.imagenet import ImageNetInput
from groundglass.networks.unet import SKIPS
from groundglass.networks.unet import STRIDES
from groundglass.networks.unet import LiteEncoder
from groundglass.networks.unet import UNet

SMALL = (8, 8, 8, 8, 8)


@pytest.fixture(scope="module")
def unet() -> UNet:
    torch.manual_seed(0)
    return UNet(channels=SMALL).eval()


def test_grey_becomes_what_imagenets_networks_expect() -> None:
    image = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    expected = torch.tensor(
        [[-0.485 / 0.229, 0.515 / 0.229], [-0.456 / 0.224, 0.544 / 0.224], [-0.406 / 0.225, 0.594 / 0.225]]
    )
    assert torch.allclose(ImageNetInput()(image)[0, :, 0], expected)
    assert not ImageNetInput().state_dict()


def test_the_encoder_gives_maps_at_five_strides() -> None:
    maps = LiteEncoder(pretrained=False).eval()(torch.rand(1, 3, 64, 96))
    expected = [
        (channels, 64 // stride, 96 // stride) for (_, channels), stride in zip(SKIPS, (2, 4, 8, 16, 32), strict=True)
    ]
    assert [tuple(one.shape[1:]) for one in maps] == expected


def test_the_encoder_starts_from_imagenet_and_the_decoder_from_the_seed() -> None:
    models = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        models.append(UNet(channels=SMALL))
    first, second = (model.encoder.state_dict() for model in models)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(models[0].head.weight, models[1].head.weight)
    random = UNet(channels=SMALL, pretrained=False).encoder.state_dict()
    assert not torch.equal(first["stem.0.weight"], random["stem.0.weight"])
    assert first["stem.1.running_var"].std() > 0.1  # statistics of real images, not the ones of a new batch norm


@pytest.mark.parametrize("size", [(32, 32), (64, 48), (33, 45), (50, 70)])
def test_logits_have_the_size_of_the_image(unet: UNet, size: tuple[int, int]) -> None:
    with torch.no_grad():
        logits = unet(torch.rand(2, 1, *size))
    assert logits.shape == (2, 1, *size)
    assert torch.isfinite(logits).all()


def test_each_image_is_seen_on_its_own(unet: UNet) -> None:
    images = torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(unet(images)[1:2], unet(images[1:2]), atol=1e-4)


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    network = UNet(channels=SMALL).train()
    network(torch.rand(2, 1, 64, 64)).square().mean().backward()
    assert [name for name, one in network.named_parameters() if one.grad is None or not one.grad.any()] == []


def test_dropout_is_drawn_in_training_only() -> None:
    torch.manual_seed(0)
    network = UNet(channels=SMALL, dropout=0.5, pretrained=False)
    image = torch.rand(2, 1, 32, 32)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(image), network(image))
        network.eval()
        assert torch.equal(network(image), network(image))


def test_options_of_a_recipe_reach_it() -> None:
    network = build_network("unet", {"channels": [8, 8, 8, 8, 4], "pretrained": False, "dropout": 0.1})
    assert isinstance(network, UNet)
    assert network.head.in_channels == 4
    assert network.dropout.p == 0.1


def test_the_default_has_the_parameters_it_says() -> None:
    count = sum(one.numel() for one in UNet(pretrained=False).parameters())
    assert f"{count:,} parameters" in (UNet.__doc__ or "")


def test_an_unknown_network_or_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="there is no network called 'resnet'; choose one of unet, plain-unet"):
        build_network("resnet", {})
    with pytest.raises(InputError, match="network 'unet' has no option 'depth'; it has channels, stride, dropout"):
        build_network("unet", {"depth": 3})


@pytest.mark.parametrize("stride", [2, 4, 8, 16])
def test_logits_at_a_stride_are_interpolated(stride: int) -> None:
    net = UNet(channels=SMALL, stride=stride, pretrained=False).eval()
    assert len(net.decoder) == STRIDES.index(stride) + 1
    image = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        logits = net(image)
        net.head.register_forward_hook(lambda module, inputs, coarse: found.append(coarse))
        found: list[torch.Tensor] = []
        net(image)
    assert logits.shape == image.shape
    assert found[0].shape == (1, 1, 64 // stride, 96 // stride)


def test_an_impossible_stride_is_refused() -> None:
    with pytest.raises(InputError, match="choose 1, 2, 4, 8 or 16"):
        build_network("unet", {"stride": 3})
