from __future__ import annotations

import pytest
import torch
from torch import Tensor

from groundglass.losses.tags import lesion_somewhere


def everywhere(shape: tuple[int, ...]) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def test_the_most_suspicious_part_is_asked_to_be_lesion() -> None:
    logits = torch.full((2, 1, 20, 20), -3.0, requires_grad=True)
    with torch.no_grad():
        logits[:, :, 4, 4:8] = 1.0
    loss = lesion_somewhere(logits, everywhere(logits.shape), share=0.01)
    assert float(loss.detach()) == pytest.approx(float(torch.nn.functional.softplus(torch.tensor(-1.0))))
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    touched = logits.grad != 0
    assert touched.sum() == 8
    assert touched[:, :, 4, 4:8].all()
    assert (logits.grad <= 0).all()


def test_only_the_lungs_count() -> None:
    logits = torch.zeros(1, 1, 10, 10)
    logits[:, :, 0, 0] = 9.0
    lung = everywhere(logits.shape).clone()
    lung[:, :, 0] = False
    assert float(lesion_somewhere(logits, lung)) == pytest.approx(0.6931, abs=1e-4)


def test_an_image_without_lung_counts_as_all_lung() -> None:
    logits = torch.full((1, 1, 10, 10), 9.0)
    assert float(lesion_somewhere(logits, ~everywhere(logits.shape))) < 0.001


def test_nothing_tagged_gives_zero_with_a_gradient() -> None:
    logits = torch.zeros(0, 1, 8, 8, requires_grad=True)
    loss = lesion_somewhere(logits, everywhere(logits.shape))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert logits.grad is not None
