"""The dense CRF against its definition, pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from groundglass.methods.dense_crf import DenseCRF


def by_definition(heat: np.ndarray, image: np.ndarray, crf: DenseCRF) -> np.ndarray:
    height, width = heat.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    clipped = np.clip(heat, 1e-2, 1 - 1e-2)
    unary = np.log(clipped / (1 - clipped))
    near = math.ceil(3 * crf.sigma_smooth)
    chance = 1 / (1 + np.exp(-unary))
    for _ in range(crf.iterations):
        logits = np.zeros_like(unary)
        for y, x in places:
            like, smooth = np.zeros(2), np.zeros(2)  # votes, weights
            for v, u in places:
                if (v, u) == (y, x) or image[v, u] <= 0:
                    continue
                square = (v - y) ** 2 + (u - x) ** 2
                vote = 2 * chance[v, u] - 1
                grey = (image[v, u] - image[y, x]) ** 2 / (2 * crf.sigma_grey**2)
                weight = math.exp(-square / (2 * crf.sigma_place**2) - grey)
                like += np.array([weight * vote, weight])
                if max(abs(v - y), abs(u - x)) <= near:
                    weight = math.exp(-square / (2 * crf.sigma_smooth**2))
                    smooth += np.array([weight * vote, weight])
            parts = [one[0] / max(one[1], 1e-8) for one in (like, smooth)]
            logits[y, x] = unary[y, x] + crf.appearance * parts[0] + crf.smoothness * parts[1]
        chance = 1 / (1 + np.exp(-logits))
    return np.asarray(chance * (image > 0))


def test_with_every_pixel_in_reach_it_is_exact() -> None:
    rng = np.random.default_rng(0)
    heat, image = rng.random((2, 7, 6)), rng.random((2, 7, 6)) * 0.3 + 0.3
    image[:, 0] = 0.0
    crf = DenseCRF(iterations=3, sigma_place=3.0, sigma_grey=0.1, sigma_smooth=1.0, reach=7, step=1)
    fast = crf.refine(torch.from_numpy(heat)[:, None], torch.from_numpy(image)[:, None])[:, 0].numpy()
    for one, each, expected in zip(heat, image, fast, strict=True):
        assert np.allclose(by_definition(one, each, crf), expected, atol=1e-6)


def test_looking_at_every_third_pixel_is_close_to_looking_at_all() -> None:
    rows, columns = np.mgrid[:40, :40]
    spot = np.hypot(rows - 20, columns - 22) < 8
    rng = np.random.default_rng(0)
    image = torch.from_numpy(0.3 + 0.4 * spot + rng.normal(0, 0.02, spot.shape)).float()[None, None]
    heat = torch.from_numpy(np.exp(-((rows - 17) ** 2 + (columns - 19) ** 2) / 100)).float()[None, None]
    every = DenseCRF(step=1).refine(heat, image)
    some = DenseCRF().refine(heat, image)
    assert float((every - some).abs().mean()) < 0.02
    before, after = ((one[0, 0].numpy() > 0.5) for one in (heat, some))
    assert dice(after, spot) > dice(before, spot) + 0.05


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_extremes_are_finite_and_black_stays_zero(value: float) -> None:
    image = torch.rand(1, 1, 12, 12)
    image[:, :, :, :4] = 0
    refined = DenseCRF().refine(torch.full((1, 1, 12, 12), value), image)
    assert torch.isfinite(refined).all()
    assert not refined[:, :, :, :4].any()
