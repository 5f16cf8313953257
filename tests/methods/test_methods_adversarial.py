"""What critic, classifier and networks of decomposition, VA-GAN and BL are asked for, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from groundglass.datasets.samples import Sample
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network

NETWORKS = {"decomposition": "decomposition", "vagan": "map-generator", "bl": "map-generator"}
LESION, NORMAL = -0.5, 0.5
"""Grey values in [-1, 1] of the slices with and without lesion."""

PIXELS = [4, 9, 4, 16]
"""Of the lung of each slice, of 16: two with a lesion, then two without."""


class Total(torch.nn.Module):
    """A critic or classifier that adds the pixels up: its slope is ``weight`` in each."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, image: Tensor, lung: Tensor | None = None) -> Tensor:
        return self.weight * image.flatten(1).sum(dim=1)


class Adds(torch.nn.Module):
    """A map generator whose map is 0.3 everywhere."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.full_like(image, 0.3)


def score(grey: float, pixels: int) -> float:
    """What :class:`Total` gives a slice of one grey value that is black, -1, outside of its lung."""
    return grey * pixels - (16 - pixels)


def mean(*values: float) -> float:
    return sum(values) / len(values)


@pytest.fixture
def batch() -> Sample:
    sides = torch.tensor(PIXELS).sqrt().int().tolist()
    lung = torch.zeros(4, 1, 4, 4, dtype=torch.bool)
    for one, side in zip(lung, sides, strict=True):
        one[:, :side, :side] = True
    grey = torch.tensor([LESION, LESION, NORMAL, NORMAL]).view(4, 1, 1, 1)
    return {
        "image": ((grey + 1) / 2).expand(4, 1, 4, 4),
        "lung": lung,
        "tag": torch.tensor([1, 1, 0, 0], dtype=torch.int8),
        "target": torch.full((4, 1, 4, 4), 255, dtype=torch.uint8),
    }


def build(name: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """A method with a critic that adds up, whose normal version has half the values of the slice."""
    network = build_network(NETWORKS[name], {"channels": [2, 4]})
    settings = TrainingSettings(brightness=0.0, contrast=0.0)
    method: Any = METHODS.build(name, options, network=network, settings=settings)
    method.critic = Total()
    monkeypatch.setattr(method, "normal_version", lambda image: image / 2)
    return method


@pytest.mark.parametrize("name", ["vagan", "bl", "decomposition"])
def test_the_critic_is_to_score_real_slices_high_and_made_ones_low(
    name: str, batch: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paper 002, Eq. 3, and the penalty of WGAN-GP with its weight of 10, for each pair on its own."""
    method = build(name, monkeypatch)
    real = mean(score(NORMAL, 4), score(NORMAL, 16))
    made = mean(score(LESION / 2, 4), score(LESION / 2, 9))
    penalty = mean((2 - 1) ** 2, (4 - 1) ** 2)  # the slopes are the roots of 4 and 16 pixels, the lungs of both slices
    factor = 0.01 if name == "decomposition" else 1  # as released
    terms = method.critic_loss(batch)
    assert float(terms["loss"]) == pytest.approx(factor * (made - real + 10 * penalty))
    assert float(terms["distance"]) == pytest.approx(real - made)


def test_in_the_paper_the_critic_is_shown_normal_versions_of_all_slices(
    batch: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = build("decomposition", monkeypatch, variant="paper")
    real = mean(score(NORMAL, 4), score(NORMAL, 16))
    made = mean(*(score(grey / 2, count) for grey, count in zip([LESION] * 2 + [NORMAL] * 2, PIXELS, strict=True)))
    assert float(method.critic_loss(batch)["loss"]) == pytest.approx(made - real + 10 * 5)


def test_vagan_adds_its_map_to_the_slice_before_tanh(batch: Sample) -> None:
    """tanh(x + M), not tanh(M); the heat map is the size of M."""
    method: Any = METHODS.build("vagan", {}, network=build_network("map-generator", {}), settings=TrainingSettings())
    method.network = Adds()
    image = torch.tensor([-0.5, 0.5]).view(2, 1, 1, 1)
    torch.testing.assert_close(method.normal_version(image).flatten(), torch.tensor([-0.2, 0.8]).tanh())
    torch.testing.assert_close(method.heat(image).flatten(), torch.tensor([0.3, 0.3]))


def test_vagan_wants_a_high_score_and_little_change(batch: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = build("vagan", monkeypatch).loss(batch)
    adversarial = -mean(score(LESION / 2, 4), score(LESION / 2, 9))
    assert float(terms["adversarial"]) == pytest.approx(adversarial)
    assert float(terms["sparsity"]) == pytest.approx(100 * abs(LESION / 2))
    assert float(terms["loss"]) == pytest.approx(adversarial + 100 * abs(LESION / 2))


def test_bl_wants_its_normal_versions_called_normal_and_alike(batch: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    method = build("bl", monkeypatch)
    method.classifier = Total(0.1)
    terms = method.loss(batch)
    scores = torch.tensor([score(LESION / 2, 4), score(LESION / 2, 9)])
    expected = {
        "classification": float(10 * softplus(0.1 * scores).mean()),  # -log(1 - p)
        "adversarial": float(-0.01 * scores.mean()),
        "reconstruction": 100 * 0.25,
    }
    for key, value in expected.items():
        assert float(terms[key]) == pytest.approx(value), key
    assert float(terms["loss"]) == pytest.approx(sum(expected.values()))


def test_bl_teaches_its_classifier_which_slices_have_a_lesion(batch: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    method = build("bl", monkeypatch)
    method.classifier = Total(0.1)
    losses: list[Tensor] = []
    monkeypatch.setattr(method, "set_rates", lambda batch_idx: None)
    monkeypatch.setattr(method, "log_terms", lambda name, terms, batch_size: None)
    monkeypatch.setattr(method, "all_optimizers", lambda: [None, None, None])
    monkeypatch.setattr(method, "step", lambda optimizer, loss: losses.append(loss))
    method.training_step(batch, 0)
    greys = [LESION, LESION, NORMAL, NORMAL]
    logits = 0.1 * torch.tensor([score(grey, count) for grey, count in zip(greys, PIXELS, strict=True)])
    torch.testing.assert_close(losses, [softplus(torch.tensor([-1.0, -1.0, 1.0, 1.0]) * logits).mean()])
