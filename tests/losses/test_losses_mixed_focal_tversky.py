from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from groundglass.losses.focal import focal_loss
from groundglass.losses.mixed_focal_tversky import mixed_focal_tversky
from groundglass.losses.tversky import tversky_index


def maps(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def target(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(1, 1, 1, -1)


def test_focal_by_hand() -> None:
    # Probabilities 0.8 of a lesion and 0.4 of background; the third pixel has no label.
    logits = maps(math.log(4), math.log(2 / 3), 3.0)
    expected = (0.25 * 0.2**2 * -math.log(0.8) + 0.75 * 0.4**2 * -math.log(0.6)) / 2
    assert float(focal_loss(logits, target(1, 0, 255))) == pytest.approx(expected, rel=1e-5)


def test_focal_without_focus_is_half_the_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 1, 5, 5), torch.randint(0, 2, (2, 1, 5, 5)).to(torch.uint8)
    entropy = functional.binary_cross_entropy_with_logits(logits, labels.float())
    assert float(focal_loss(logits, labels, gamma=0.0, alpha=0.5)) == pytest.approx(float(entropy) / 2, rel=1e-5)


def test_tversky_by_hand() -> None:
    logits = maps(math.log(4), math.log(2 / 3), 9.0)  # 0.8 of a lesion, 0.4 of background
    expected = (0.8 + 1) / (0.8 + 0.3 * 0.4 + 0.7 * 0.2 + 1)
    assert float(tversky_index(logits, target(1, 0, 255))) == pytest.approx(expected, rel=1e-5)


def test_tversky_with_equal_weights_is_soft_dice() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 1, 5, 5), torch.randint(0, 2, (2, 1, 5, 5)).to(torch.uint8)
    called, lesion = logits.sigmoid(), labels.float()
    dice = 2 * (called * lesion).sum() / (called.sum() + lesion.sum())
    index = tversky_index(logits, labels, false_positives=0.5, false_negatives=0.5, smooth=0.0)
    assert float(index) == pytest.approx(float(dice), rel=1e-5)


def test_missing_a_lesion_costs_more_than_calling_one() -> None:
    missed = tversky_index(maps(9.0, -9.0), target(1, 1))
    called = tversky_index(maps(9.0, 9.0), target(1, 0))
    assert missed < called


def test_the_mixed_loss_is_its_two_parts() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 1, 5, 5), torch.randint(0, 2, (2, 1, 5, 5)).to(torch.uint8)
    options = {"false_positives": 0.4, "false_negatives": 0.6}
    expected = 3 * focal_loss(logits, labels, gamma=1.0, alpha=0.4) - tversky_index(logits, labels, **options).log()
    mixed = mixed_focal_tversky(logits, labels, weight=3.0, gamma=1.0, alpha=0.4, **options)
    assert float(mixed) == pytest.approx(float(expected))


@pytest.mark.parametrize("value", [-80.0, 0.0, 80.0])
@pytest.mark.parametrize("label", [0, 1])
def test_it_is_finite_at_empty_and_full_masks(value: float, label: int) -> None:
    logits = torch.full((2, 1, 8, 8), value, requires_grad=True)
    loss = mixed_focal_tversky(logits, torch.full((2, 1, 8, 8), label, dtype=torch.uint8))
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_an_empty_mask_pushes_everything_down() -> None:
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    mixed_focal_tversky(logits, torch.zeros(1, 1, 4, 4, dtype=torch.uint8)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad > 0).all()


def test_nothing_labeled_is_zero_with_a_gradient() -> None:
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    loss = mixed_focal_tversky(logits, torch.full((1, 1, 4, 4), 255, dtype=torch.uint8))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()
