from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from groundglass.losses.affinity import EPSILON
from groundglass.losses.affinity import affinities
from groundglass.losses.affinity import affinity_loss
from groundglass.losses.affinity import disc
from groundglass.methods.random_walk import random_walk


def by_definition(boundary: np.ndarray, radius: int) -> dict[tuple[int, int, int, int], float]:
    """Affinity of each pair of pixels, both inside the image."""
    height, width = boundary.shape
    found = {}
    for y in range(height):
        for x in range(width):
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    inside = 0 <= y + dy < height and 0 <= x + dx < width
                    if inside and 0 < dy * dy + dx * dx <= radius * radius:
                        n = max(abs(dy), abs(dx))
                        way = [(y + round(dy * k / n), x + round(dx * k / n)) for k in range(n + 1)]
                        found[y, x, y + dy, x + dx] = 1 - max(boundary[place] for place in way)
    return found


def test_affinity_is_what_is_left_of_the_highest_boundary_on_the_way() -> None:
    boundary = np.random.default_rng(0).random((6, 7))
    fast = affinities(torch.from_numpy(boundary).view(1, 1, 6, 7), 3)[0]
    for (y, x, v, u), value in by_definition(boundary, 3).items():
        assert float(fast[disc(3).index((v - y, u - x)), y, x]) == pytest.approx(value)


def test_the_loss_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    boundary, target = rng.uniform(0.05, 0.95, (5, 6)), rng.choice([0, 1, 255], (5, 6))
    kinds: dict[str, list[float]] = {"lesion": [], "background": [], "apart": []}
    for (y, x, v, u), value in by_definition(boundary, 2).items():
        pair = (target[y, x], target[v, u])
        if 255 in pair:
            continue
        if pair[0] == pair[1]:
            kinds["lesion" if pair[0] else "background"].append(-math.log(value + EPSILON))
        else:
            kinds["apart"].append(-math.log(1 + EPSILON - value))
    expected = np.mean(kinds["lesion"]) / 2 + np.mean(kinds["background"]) / 2 + np.mean(kinds["apart"])
    given = torch.from_numpy(boundary).view(1, 1, 5, 6)
    labels = torch.from_numpy(target.astype(np.uint8)).view(1, 1, 5, 6)
    assert float(affinity_loss(given, labels, radius=2)) == pytest.approx(float(expected))


def test_no_pair_is_zero_with_a_gradient() -> None:
    boundary = torch.full((1, 1, 6, 6), 0.5, requires_grad=True)
    loss = affinity_loss(boundary, torch.full((1, 1, 6, 6), 255, dtype=torch.uint8), radius=2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert boundary.grad is not None


def test_the_walk_is_the_power_of_the_whole_transition_matrix() -> None:
    rng = np.random.default_rng(2)
    boundary, heat = rng.random((5, 6)), rng.random((5, 6))
    matrix = np.eye(30)
    for (y, x, v, u), value in by_definition(boundary, 2).items():
        matrix[y * 6 + x, v * 6 + u] = value**3
    matrix /= matrix.sum(axis=1, keepdims=True)
    expected = np.linalg.matrix_power(matrix, 4) @ (heat * (1 - boundary)).ravel()
    given = (torch.from_numpy(one).view(1, 1, 5, 6) for one in (heat, boundary))
    walked = random_walk(*given, radius=2, sharpness=3.0, steps=4)
    assert np.allclose(walked.numpy().ravel(), expected)


def test_a_closed_boundary_keeps_the_heat_in() -> None:
    boundary = torch.zeros(1, 1, 11, 11)
    boundary[:, :, 2:9, 2:9] = 1.0
    boundary[:, :, 3:8, 3:8] = 0.0
    heat = torch.zeros(1, 1, 11, 11)
    heat[:, :, 5, 5] = 1.0
    walked = random_walk(heat, boundary, radius=3, steps=50)[0, 0]
    assert walked[3:8, 3:8].min() > 0
    outside = walked.clone()
    outside[3:8, 3:8] = 0
    assert float(outside.max()) < 1e-6
