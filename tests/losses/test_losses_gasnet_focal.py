"""The focal losses against their definition, voxel by voxel."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from groundglass.losses.gasnet_focal import balanced_focal_bce
from groundglass.losses.gasnet_focal import focal_bce

SHAPE = (2, 1, 3, 4, 5)


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def target() -> Tensor:
    chosen = torch.randint(3, SHAPE, generator=torch.Generator().manual_seed(1))
    return torch.tensor([0, 1, 255], dtype=torch.uint8)[chosen]


def pairs(logits: Tensor, target: Tensor) -> list[tuple[float, int]]:
    probabilities = logits.sigmoid().flatten().tolist()
    return [(p, y) for p, y in zip(probabilities, target.flatten().tolist(), strict=True) if y != 255]


def test_focal_is_its_definition(logits: Tensor, target: Tensor) -> None:
    voxels = pairs(logits, target)
    total = sum(-((2 - p) ** 2) * math.log(p) if y else -((1 + p) ** 2) * math.log(1 - p) for p, y in voxels)
    assert float(focal_bce(logits, target)) == pytest.approx(total / len(voxels), rel=1e-5)


def test_its_weights_lie_between_1_and_4(logits: Tensor, target: Tensor) -> None:
    plain = sum(-math.log(p if y else 1 - p) for p, y in pairs(logits, target)) / len(pairs(logits, target))
    assert plain < float(focal_bce(logits, target)) < 4 * plain


def test_balanced_focal_is_its_definition(logits: Tensor, target: Tensor) -> None:
    voxels = pairs(logits, target)
    lesions = sum(y for _, y in voxels)
    weight = (len(voxels) - lesions) / (lesions + 1)
    total = sum(-weight * (1 - p) ** 2 * math.log(p) if y else -(p**2) * math.log(1 - p) for p, y in voxels)
    assert float(balanced_focal_bce(logits, target)) == pytest.approx(2 * total / len(voxels), rel=1e-5)


@pytest.mark.parametrize("loss", [focal_bce, balanced_focal_bce])
def test_what_is_ignored_has_no_say(loss: Callable[..., Tensor], logits: Tensor, target: Tensor) -> None:
    changed = torch.where(target == 255, 50 * torch.ones_like(logits), logits)
    assert torch.equal(loss(changed, target), loss(logits, target))


@pytest.mark.parametrize("loss", [focal_bce, balanced_focal_bce])
def test_nothing_labeled_is_zero_with_a_gradient(loss: Callable[..., Tensor], logits: Tensor) -> None:
    given = logits.requires_grad_()
    value = loss(given, torch.full(SHAPE, 255, dtype=torch.uint8))
    value.backward()
    assert value == 0
    assert given.grad is not None
    assert not given.grad.any()


@pytest.mark.parametrize("loss", [focal_bce, balanced_focal_bce])
def test_sure_and_wrong_is_finite(loss: Callable[..., Tensor]) -> None:
    target = torch.tensor([0, 1], dtype=torch.uint8).view(1, 1, 1, 1, 2)
    assert loss(torch.tensor([300.0, -300.0]).view(1, 1, 1, 1, 2), target).isfinite()
