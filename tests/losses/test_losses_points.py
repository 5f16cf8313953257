from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from groundglass.losses.points import Reduction
from groundglass.losses.points import point_loss

REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "balanced")


def bce(logit: float, label: int) -> float:
    probability = 1 / (1 + math.exp(-logit))
    return -math.log(probability if label else 1 - probability)


@pytest.fixture
def example() -> tuple[Tensor, Tensor, list[float], list[float]]:
    """Two images with one lesion and three background points, unevenly spread; and the loss of each point."""
    logits = torch.tensor([[[[2.0, -1.0], [0.5, 9.0]]], [[[-3.0, 1.5], [9.0, 9.0]]]])
    target = torch.tensor([[[[1, 0], [255, 255]]], [[[0, 0], [255, 255]]]], dtype=torch.uint8)
    return logits, target, [bce(2.0, 1)], [bce(-1.0, 0), bce(-3.0, 0), bce(1.5, 0)]


def test_mean_is_over_all_labeled_pixels_of_the_batch(example: tuple[Tensor, Tensor, list[float], list[float]]) -> None:
    logits, target, lesion, background = example
    assert float(point_loss(logits, target)) == pytest.approx(sum(lesion + background) / 4)
    assert point_loss(logits, target) == point_loss(logits, target, reduction="mean")


def test_sum_is_over_all_labeled_pixels_of_the_batch(example: tuple[Tensor, Tensor, list[float], list[float]]) -> None:
    logits, target, lesion, background = example
    assert float(point_loss(logits, target, reduction="sum")) == pytest.approx(sum(lesion + background))


def test_balanced_gives_both_classes_the_same_weight(example: tuple[Tensor, Tensor, list[float], list[float]]) -> None:
    logits, target, lesion, background = example
    expected = sum(lesion) / 1 + sum(background) / 3
    assert float(point_loss(logits, target, reduction="balanced")) == pytest.approx(expected)


@pytest.mark.parametrize("label", [0, 1])
def test_balanced_with_one_class_is_its_mean(label: int) -> None:
    target = torch.full((1, 1, 2, 2), label, dtype=torch.uint8)
    logits = torch.tensor([[[[0.3, -1.0], [2.0, 0.0]]]])
    expected = sum(bce(float(logit), label) for logit in logits.flatten()) / 4
    assert float(point_loss(logits, target, reduction="balanced")) == pytest.approx(expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nothing_labeled_is_zero_with_a_gradient(reduction: Reduction) -> None:
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    loss = point_loss(logits, torch.full((2, 1, 4, 4), 255, dtype=torch.uint8), reduction=reduction)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_unlabeled_pixels_have_no_say(reduction: Reduction) -> None:
    torch.manual_seed(0)
    target = torch.randint(0, 2, (2, 1, 5, 5), dtype=torch.uint8)
    target[torch.rand(target.shape) < 0.5] = 255
    logits = torch.randn(2, 1, 5, 5, requires_grad=True)
    loss = point_loss(logits, target, reduction=reduction)
    loss.backward()
    assert logits.grad is not None
    assert ((logits.grad != 0) == (target != 255)).all()
    changed = torch.where(target == 255, torch.randn(target.shape), logits.detach())
    assert point_loss(changed, target, reduction=reduction).item() == pytest.approx(loss.item())


def test_another_value_can_mean_unlabeled() -> None:
    target = torch.tensor([[[[1, 7, 0]]]], dtype=torch.uint8)
    logits = torch.tensor([[[[1.0, 5.0, -2.0]]]])
    expected = (bce(1.0, 1) + bce(-2.0, 0)) / 2
    assert float(point_loss(logits, target, ignore_index=7)) == pytest.approx(expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_extreme_logits_keep_loss_and_gradient_finite(reduction: Reduction) -> None:
    logits = torch.tensor([[[[-1e4, 1e4], [1e4, -1e4]]]], requires_grad=True)
    target = torch.tensor([[[[1, 0], [1, 0]]]], dtype=torch.uint8)
    loss = point_loss(logits, target, reduction=reduction)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_volumes_work_as_slices_do() -> None:
    target = torch.full((1, 1, 2, 3, 4), 255, dtype=torch.uint8)
    target[0, 0, 1, 2, 3] = 1
    assert float(point_loss(torch.zeros(1, 1, 2, 3, 4), target)) == pytest.approx(math.log(2))
