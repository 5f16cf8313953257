"""Draws differ by dropout alone, and the short way gives what the long way gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from groundglass.active import mc_dropout
from groundglass.active.mc_dropout import check_dropout
from groundglass.active.mc_dropout import dropping
from groundglass.active.mc_dropout import lesion_draws
from groundglass.errors import InputError
from groundglass.methods.method import Method
from groundglass.methods.points import PointSupervision
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network


def built(name: str, **options: object) -> Method:
    torch.manual_seed(0)
    return PointSupervision(network=build_network(name, options), settings=TrainingSettings())


@pytest.fixture
def unet() -> Method:
    return built("unet", dropout=0.3, pretrained=False, channels=[8, 8, 8, 8, 8])


IMAGES = torch.rand(3, 1, 64, 48, generator=torch.Generator().manual_seed(1))


def test_draws_differ_and_batch_norm_stays_as_it_is(unet: Method) -> None:
    before = {key: value.clone() for key, value in unet.state_dict().items()}
    unet.train()
    draws = lesion_draws(unet, IMAGES, 6)
    assert draws.shape == (6, 3, 64, 48)
    assert (draws.std(dim=0) > 0).float().mean() > 0.9
    assert unet.training
    assert unet.network.dropout.training
    for key, value in unet.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_only_dropout_is_switched_on(unet: Method) -> None:
    unet.eval()
    with dropping(unet.network):
        training = [type(module).__name__ for module in unet.network.modules() if module.training]
        assert training == ["Dropout2d"]
    assert not any(module.training for module in unet.modules())


def test_an_image_has_the_same_draws_whatever_is_beside_it(unet: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch norm in training mode would mix the images of a batch; the mean over many draws shows it."""
    monkeypatch.setattr(mc_dropout, "AT_ONCE", 200)
    alone = lesion_draws(unet, IMAGES[:1], 200).mean(dim=0)[0]
    beside = lesion_draws(unet, torch.cat([IMAGES[:1], 9 * IMAGES[1:]]), 200).mean(dim=0)[0]
    assert (alone - beside).abs().mean() < 0.3 * lesion_draws(unet, IMAGES[:1], 200).std(dim=0).mean()


def test_the_encoder_runs_once_an_image_however_many_draws(unet: Method) -> None:
    seen = []
    unet.network.encoder.register_forward_hook(lambda module, given, out: seen.append(len(given[0])))
    lesion_draws(unet, IMAGES, 20)
    assert sum(seen) == 3


@pytest.mark.parametrize("at_once", [1, 4, 7, 100])
def test_order_of_draws_and_images_is_kept(unet: Method, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(mc_dropout, "AT_ONCE", at_once)
    unet.network.dropout.p = 1e-9  # on, but nothing is ever dropped
    expected = unet.eval().probabilities(IMAGES)[:, 0]
    for draw in lesion_draws(unet, IMAGES, 5):
        torch.testing.assert_close(draw, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "options"), [("plain-unet", {"channels": [4, 8]}), ("unet", {"pretrained": False})])
def test_every_network_draws(name: str, options: dict[str, object]) -> None:
    method = built(name, dropout=0.5, **options)
    check_dropout(method)
    assert lesion_draws(method, IMAGES, 3).std(dim=0).max() > 0


def test_plain_dropout_counts_too() -> None:
    method = PointSupervision(
        network=nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(4, 1, 1)),
        settings=TrainingSettings(),
    )
    assert lesion_draws(method, IMAGES, 3).std(dim=0).max() > 0


def test_a_network_without_dropout_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs a network with dropout.*set network_options.dropout"):
        check_dropout(built("plain-unet", channels=[4, 8]))
