from __future__ import annotations

import math

import numpy as np
import pytest

from groundglass.metrics.overlap import Confusion
from groundglass.metrics.threshold import DiceCurve


def random_case(seed: int, size: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = rng.random(size) > 0.8
    return np.clip(rng.normal(0.3 + 0.3 * mask, 0.2), 0, 1).astype(np.float32), mask


def test_the_curve_is_the_global_dice_at_every_threshold() -> None:
    probabilities, mask = random_case(0, 5000)
    curve = DiceCurve()
    curve.update(probabilities, mask)
    expected = [Confusion.of(probabilities >= np.float32(one), mask).dice for one in curve.thresholds]
    assert np.allclose(curve.dice(), expected, atol=0.01)
    assert curve.dice_at(0.3) == pytest.approx(Confusion.of(probabilities > 0.3, mask).dice, abs=0.01)


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4])
def test_small_heat_is_ranked_as_well_as_large(scale: float) -> None:
    probabilities, mask = random_case(2, 5000)
    full, small = DiceCurve(), DiceCurve()
    full.update(probabilities, mask)
    small.update(probabilities * np.float32(scale), mask)
    assert small.average_precision() == pytest.approx(full.average_precision(), abs=0.005)
    assert small.best()[0] == pytest.approx(full.best()[0] * scale, rel=0.05)
    assert small.best()[1] == pytest.approx(full.best()[1], abs=0.005)


def test_a_map_that_is_the_same_everywhere_is_flat() -> None:
    mask = np.arange(100) < 20
    flat, clear, certain = DiceCurve(), DiceCurve(), DiceCurve()
    flat.update(np.where(np.arange(100) < 60, 0.54, 0.0), mask)
    clear.update(np.where(mask, 0.3, 0.1), mask)
    certain.update(mask.astype(float), mask)
    assert [flat.is_flat(), clear.is_flat(), certain.is_flat()] == [True, False, False]


def test_a_map_that_is_black_everywhere_is_flat() -> None:
    black = DiceCurve()
    black.update(np.zeros(100), np.arange(100) < 60)
    assert black.is_flat()


def test_the_threshold_that_a_share_of_pixels_exceeds() -> None:
    curve = DiceCurve()
    curve.update(np.linspace(0, 0.1, 1001), np.zeros(1001, bool))
    assert curve.exceeded_by(0.01) == pytest.approx(0.099, rel=0.01)
    assert curve.exceeded_by(1) == 0
    full = DiceCurve()
    full.update(np.ones(3), np.zeros(3, bool))
    assert full.exceeded_by(0.5) == 1


def test_the_best_threshold_is_worth_what_it_says() -> None:
    probabilities, mask = random_case(1)
    curve = DiceCurve()
    curve.update(probabilities, mask)
    threshold, dice = curve.best()
    assert Confusion.of(probabilities > threshold, mask).dice == pytest.approx(dice, abs=0.01)
    assert dice >= Confusion.of(probabilities > 0.5, mask).dice
    assert dice == pytest.approx(np.nanmax(curve.dice()))


def test_cases_are_put_together_voxel_by_voxel() -> None:
    cases = [random_case(seed) for seed in range(3)]
    pieces, whole = DiceCurve(), DiceCurve()
    for case in cases:
        pieces.update(*case)
    whole.update(*(np.concatenate(one) for one in zip(*cases, strict=True)))
    assert np.array_equal(pieces.dice(), whole.dice())


def test_certain_probabilities_are_counted() -> None:
    curve = DiceCurve()
    curve.update(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[False, True], [True, False]]))
    threshold, dice = curve.best()
    assert 0 < threshold < 1
    assert dice == 1


def test_without_lesion_the_threshold_stays_at_a_half() -> None:
    curve = DiceCurve()
    curve.update(np.array([0.9, 0.1]), np.array([False, False]))
    threshold, dice = curve.best()
    assert threshold == 0.5
    assert math.isnan(dice)


def test_average_precision_is_that_of_ranked_pixels() -> None:
    probabilities, mask = random_case(4)
    values = np.floor(probabilities * 100) * 10  # further apart than two thresholds
    curve = DiceCurve()
    curve.update(values / 1000, mask)
    expected, before = 0.0, 0.0
    for value in np.unique(values)[::-1]:
        called = values >= value
        recall = (called & mask).sum() / mask.sum()
        expected, before = expected + (recall - before) * (called & mask).sum() / called.sum(), recall
    assert curve.average_precision() == pytest.approx(expected)


def test_a_constant_map_has_the_share_of_lesion_as_its_average_precision() -> None:
    curve = DiceCurve()
    curve.update(np.full(10, 0.7), np.arange(10) < 3)
    assert curve.average_precision() == pytest.approx(0.3)


def test_without_lesion_there_is_no_average_precision() -> None:
    curve = DiceCurve()
    curve.update(np.full(10, 0.7), np.zeros(10, bool))
    assert math.isnan(curve.average_precision())
