from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Transforms
from groundglass.losses.consistency import Reduction
from groundglass.losses.consistency import Space
from groundglass.losses.consistency import consistency_loss


@pytest.mark.parametrize("space", get_args(Space))
@pytest.mark.parametrize("transforms", get_args(Transforms))
def test_it_is_zero_for_a_pointwise_network(transforms: Transforms, space: Space) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    images = torch.rand(16, 1, 8, 8)
    moved = Dihedral.sample(16, transforms)
    with torch.no_grad():
        logits, recovered = network(images), moved.invert(network(moved.apply(images)))
    assert float(consistency_loss(logits, recovered, space=space)) == pytest.approx(0, abs=1e-6)


def test_it_is_not_zero_for_a_network_with_a_preferred_direction() -> None:
    network = nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[[[0.0, 0, 0], [0, 0, 1], [0, 0, 0]]]]))
    images = torch.rand(4, 1, 8, 8)
    moved = Dihedral.sample(4, "flip")
    with torch.no_grad():
        logits, recovered = network(images), moved.invert(network(moved.apply(images)))
    assert float(consistency_loss(logits, recovered)) > 0.1


@pytest.mark.parametrize(
    ("space", "reduction", "expected"),
    [
        ("logits", "mean", (3 + 0 + 1 + 2) / 4),
        ("logits", "sum", 6.0),
        ("probabilities", "mean", None),
        ("probabilities", "sum", None),
    ],
)
def test_it_is_the_absolute_difference(space: Space, reduction: Reduction, expected: float | None) -> None:
    """Paper 000, Eqs. 1 and 3: the sum is over the pixels of all images, like that of the points."""
    logits = torch.tensor([[[[1.0, 2.0]]], [[[0.0, -1.0]]]])
    recovered = torch.tensor([[[[-2.0, 2.0]]], [[[1.0, 1.0]]]])
    if expected is None:
        differences = (1 / (1 + (-logits).exp()) - 1 / (1 + (-recovered).exp())).abs()
        expected = float(differences.mean() if reduction == "mean" else differences.sum())
    assert float(consistency_loss(logits, recovered, space=space, reduction=reduction)) == pytest.approx(expected)


def test_as_released_logits_are_compared_by_their_mean() -> None:
    a, b = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    assert consistency_loss(a, b) == consistency_loss(a, b, space="logits", reduction="mean")


def test_both_predictions_get_a_finite_gradient() -> None:
    """As released: neither branch is held still."""
    a, b = (torch.randn(2, 1, 4, 4).mul(1e4).requires_grad_() for _ in range(2))
    consistency_loss(a, b).backward()
    for one in (a, b):
        assert one.grad is not None
        assert torch.isfinite(one.grad).all()
        assert (one.grad != 0).any()
