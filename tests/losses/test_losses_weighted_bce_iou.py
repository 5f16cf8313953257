from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from groundglass.losses.weighted_bce_iou import border_weight
from groundglass.losses.weighted_bce_iou import weighted_bce_iou


def random_target(*shape: int, unlabeled: float = 0.0) -> Tensor:
    target = torch.randint(0, 2, shape, dtype=torch.uint8)
    target[torch.rand(shape) < unlabeled] = 255
    return target


@given(arrays(bool, (17, 40), elements=st.booleans()))
@settings(max_examples=30, deadline=None)
def test_border_weights_are_in_1_to_6(mask: NDArray[np.bool_]) -> None:
    weight = border_weight(torch.from_numpy(mask)[None, None].float())
    assert weight.min() >= 1
    assert weight.max() <= 6


def test_border_weights_follow_the_formula() -> None:
    """F3Net, Eq. 3: 1 + 5 |mean over 31 x 31 - mask|; beyond the image there is no lesion."""
    mask = np.random.default_rng(0).random((50, 45)) > 0.7
    mean = ndimage.uniform_filter(mask.astype(float), 31, mode="constant")
    weight = border_weight(torch.from_numpy(mask)[None, None].float())[0, 0]
    assert np.allclose(weight.numpy(), 1 + 5 * np.abs(mean - mask), atol=1e-5)


def test_border_weights_are_high_at_the_border_alone() -> None:
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 40:88, 40:88] = 1
    weight = border_weight(mask)[0, 0]
    assert weight[64, 64] == 1
    assert weight[5, 5] == 1
    assert weight[40, 64] > 3
    assert weight[40, 40] > weight[40, 64]


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_a_perfect_prediction_costs_nothing(seed: int) -> None:
    torch.manual_seed(seed)
    target = random_target(2, 1, 16, 16, unlabeled=0.2)
    logits = torch.where(target == 1, 60.0, -60.0)
    assert float(weighted_bce_iou(logits, target)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("label", [0, 1])
def test_a_perfect_prediction_of_one_class_costs_nothing(label: int) -> None:
    target = torch.full((1, 1, 16, 16), label, dtype=torch.uint8)
    assert float(weighted_bce_iou(torch.full((1, 1, 16, 16), 120.0 * label - 60), target)) == pytest.approx(0, abs=1e-5)


def test_the_loss_is_the_published_formula() -> None:
    torch.manual_seed(0)
    target, logits = random_target(3, 1, 20, 24), torch.randn(3, 1, 20, 24)
    expected = []
    for z, y in zip(logits[:, 0].double().numpy(), target[:, 0].double().numpy(), strict=True):
        p = 1 / (1 + np.exp(-z))
        w = 1 + 5 * np.abs(ndimage.uniform_filter(y, 31, mode="constant") - y)
        bce = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        both = (w * p * y).sum()
        expected.append((w * bce).sum() / w.sum() + 1 - (both + 1) / ((w * (p + y)).sum() - both + 1))
    assert float(weighted_bce_iou(logits, target)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_images_without_labels_are_left_out_of_the_mean() -> None:
    torch.manual_seed(0)
    target, logits = random_target(3, 1, 16, 16), torch.randn(3, 1, 16, 16)
    target[1] = 255
    labeled = [0, 2]
    assert float(weighted_bce_iou(logits, target)) == pytest.approx(
        float(weighted_bce_iou(logits[labeled], target[labeled]))
    )


def test_nothing_labeled_is_zero_with_a_gradient() -> None:
    logits = torch.randn(2, 1, 8, 8, requires_grad=True)
    loss = weighted_bce_iou(logits, torch.full((2, 1, 8, 8), 255, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_unlabeled_pixels_have_no_say() -> None:
    torch.manual_seed(0)
    target = random_target(2, 1, 16, 16, unlabeled=0.5)
    logits = torch.randn(2, 1, 16, 16, requires_grad=True)
    loss = weighted_bce_iou(logits, target)
    loss.backward()
    assert logits.grad is not None
    assert ((logits.grad != 0) == (target != 255)).all()
    changed = torch.where(target == 255, torch.randn(target.shape), logits.detach())
    assert weighted_bce_iou(changed, target).item() == pytest.approx(loss.item())


def test_another_value_can_mean_unlabeled() -> None:
    torch.manual_seed(0)
    target, logits = random_target(1, 1, 16, 16, unlabeled=0.5), torch.randn(1, 1, 16, 16)
    other = torch.where(target == 255, 7, target)
    assert weighted_bce_iou(logits, other, ignore_index=7) == weighted_bce_iou(logits, target)


def test_extreme_logits_keep_loss_and_gradient_finite() -> None:
    logits = torch.tensor([-1e4, 1e4]).repeat(8, 4)[None, None].requires_grad_()
    loss = weighted_bce_iou(logits, torch.tensor([1, 0], dtype=torch.uint8).repeat(8, 4)[None, None])
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
