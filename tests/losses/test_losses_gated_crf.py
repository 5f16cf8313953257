from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from groundglass.losses.gated_crf import gated_crf_loss


def slow(logits: Tensor, image: Tensor, radius: int, distance: float, contrast: float) -> float:
    """The definition, pixel by pixel: sum over all ordered pairs in the window, over the number of pixels."""
    chance = logits.sigmoid()
    batch, _, height, width = image.shape
    total = 0.0
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                for v in range(max(0, y - radius), min(height, y + radius + 1)):
                    for u in range(max(0, x - radius), min(width, x + radius + 1)):
                        if (v, u) != (y, x):
                            near = ((v - y) ** 2 + (u - x) ** 2) / (2 * distance**2)
                            alike = float(image[b, 0, y, x] - image[b, 0, v, u]) ** 2 / (2 * contrast**2)
                            p, q = float(chance[b, 0, y, x]), float(chance[b, 0, v, u])
                            total += math.exp(-near - alike) * (p * (1 - q) + (1 - p) * q)
    return total / (batch * height * width)


def test_it_is_the_energy_of_all_pairs_in_the_window() -> None:
    torch.manual_seed(0)
    logits, image = torch.randn(2, 1, 6, 7), torch.rand(2, 1, 6, 7)
    found = gated_crf_loss(logits, image, radius=2, distance=1.5, contrast=0.3, shrink=1)
    assert float(found) == pytest.approx(slow(logits, image, 2, 1.5, 0.3), rel=1e-5)


def test_an_edge_of_the_prediction_is_cheapest_at_an_edge_of_the_image() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[..., 16:] = 0.5
    costs = []
    for column in (8, 12, 16, 20):
        logits = torch.full((1, 1, 32, 32), -9.0)
        logits[..., column:] = 9.0
        costs.append(float(gated_crf_loss(logits, image)))
    assert costs[2] == min(costs)
    assert costs[2] < 0.05 * costs[1]


def test_its_gradient_pulls_a_pixel_towards_those_like_it() -> None:
    image = torch.zeros(1, 1, 16, 16)
    logits = torch.full((1, 1, 16, 16), 4.0)
    logits[..., 8, 8] = -4.0
    logits.requires_grad_()
    gated_crf_loss(logits, image, shrink=1).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert float(logits.grad[0, 0, 8, 8]) < 0
    assert torch.isfinite(logits.grad).all()
