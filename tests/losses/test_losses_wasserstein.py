from __future__ import annotations

import pytest
import torch
from torch import Tensor

from groundglass.losses.edge_weights import edge_weights
from groundglass.losses.wasserstein import adversarial_loss
from groundglass.losses.wasserstein import critic_distance
from groundglass.losses.wasserstein import gradient_penalty
from groundglass.losses.weighted_distance import weighted_distance


def test_the_penalty_of_a_linear_critic_is_its_slope_less_one_squared() -> None:
    slope = torch.randn(1, 3, 5, 5)

    def critic(image: Tensor) -> Tensor:
        return (slope * image).flatten(1).sum(dim=1)

    penalty = gradient_penalty(critic, torch.rand(4, 3, 5, 5), torch.rand(4, 3, 5, 5))
    torch.testing.assert_close(penalty, (slope.norm() - 1) ** 2)


def test_the_penalty_is_taken_between_the_two_images() -> None:
    seen: list[Tensor] = []

    def critic(image: Tensor) -> Tensor:
        seen.append(image.detach())
        return image.square().flatten(1).sum(dim=1)

    gradient_penalty(critic, torch.zeros(8, 1, 2, 2), torch.ones(8, 1, 2, 2))
    shares = seen[0].flatten(1)
    assert (shares == shares[:, :1]).all()  # one share an image
    assert shares.min() > 0
    assert shares.max() < 1
    assert len(shares.unique()) == 8


def test_the_penalty_has_a_gradient_for_the_critic() -> None:
    layer = torch.nn.Linear(4, 1)
    gradient_penalty(
        lambda image: layer(image.flatten(1))[:, 0], torch.rand(2, 1, 2, 2), torch.rand(2, 1, 2, 2)
    ).backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0


def test_scores_become_losses() -> None:
    assert critic_distance(torch.tensor([1.0, 3.0]), torch.tensor([1.0])) == -1
    assert adversarial_loss(torch.tensor([1.0, 3.0])) == -2


def test_edge_weights_are_one_on_flat_ground_and_four_at_most() -> None:
    image = torch.zeros(1, 1, 6, 6)
    image[..., 3:] = 1
    weights = edge_weights(image)
    assert weights.shape == image.shape
    assert (weights[..., [0, 1, 4, 5]] == 1).all()
    torch.testing.assert_close(weights[..., [2, 3]], torch.full((1, 1, 6, 2), 2.25))  # one derivative of two is full
    noise = edge_weights((torch.rand(1, 1, 64, 64) > 0.5).float())
    assert noise.min() >= 1
    assert noise.max() == pytest.approx(4)


def test_edge_weights_follow_the_eight_bit_definition() -> None:
    pixels = torch.randint(0, 40, (1, 1, 5, 5)).float()
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    middle = pixels[0, 0, 1:4, 1:4]
    size = ((middle * kernel).sum().abs().clamp(max=255) + (middle * kernel.T).sum().abs().clamp(max=255)) / 2 / 255
    torch.testing.assert_close(edge_weights(pixels / 255)[0, 0, 2, 2], (1 + size) ** 2)


def test_the_weighted_distance_is_a_mean_and_zero_of_nothing() -> None:
    image, target = torch.zeros(1, 1, 1, 2), torch.tensor([[[[1.0, 3.0]]]])
    assert weighted_distance(image, target) == 2
    assert weighted_distance(image, target, p=2) == 5
    assert weighted_distance(image, target, torch.tensor([[[[2.0, 0.0]]]])) == 1
    empty = torch.zeros(0, 1, 2, 2, requires_grad=True)
    nothing = weighted_distance(empty, empty)
    nothing.backward()
    assert nothing == 0
