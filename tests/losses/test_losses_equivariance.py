from __future__ import annotations

import pytest
import torch

from groundglass.losses.equivariance import cross_regularization
from groundglass.losses.equivariance import equivariance_loss
from groundglass.losses.equivariance import lowest_quarter
from groundglass.losses.equivariance import strongest_class


def test_only_the_classes_are_compared_between_views() -> None:
    first, second = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    first[:, 0] = 5.0
    second[:, 1] = 1.0
    assert float(equivariance_loss(first, second)) == pytest.approx(0.5)


def test_of_several_classes_the_strongest_stays_and_of_one_class_all() -> None:
    maps = torch.tensor([0.5, 0.2, 0.7]).view(1, 3, 1, 1)
    assert strongest_class(maps).flatten().tolist() == pytest.approx([0.5, 0.0, 0.7])
    assert torch.equal(strongest_class(maps[:, :2]), maps[:, :2])


@pytest.mark.parametrize("classes", [1, 2, 20])
def test_the_hardest_fifth_of_all_channels_is_averaged_whatever_their_number(classes: int) -> None:
    maps = torch.zeros(2, 1 + classes, 10, 10)
    refined = torch.zeros(2, 1 + classes, 10, 10)
    refined[:, 0] = torch.arange(100.0).view(10, 10)
    hardest = int(0.2 * (1 + classes) * 100)
    expected = sum(sorted(range(100), reverse=True)[:hardest]) / hardest
    assert float(cross_regularization(maps, refined)) == pytest.approx(expected)


def test_the_other_view_gets_no_gradient() -> None:
    maps, refined = torch.rand(1, 2, 4, 4, requires_grad=True), torch.rand(1, 2, 4, 4, requires_grad=True)
    cross_regularization(maps, refined).backward()  # type: ignore[no-untyped-call]
    assert maps.grad is None
    assert refined.grad is not None


def test_the_lowest_quarter_by_hand() -> None:
    maps = torch.tensor([-1.0, 0.2, 0.4, 0.9, 0.8, 0.7, 0.6, 0.5]).view(1, 1, 2, 4)
    assert float(lowest_quarter(maps)) == pytest.approx(0.1)
