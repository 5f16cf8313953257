from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass.metrics.localization import Lesion
from groundglass.metrics.localization import LocalizationMeter
from groundglass.metrics.localization import count_matches
from groundglass.metrics.localization import find_lesions
from groundglass.metrics.localization import lesion_centers


def at(*points: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(points, float).reshape(-1, 2)


def test_lesions_of_a_volume_by_hand() -> None:
    probabilities = np.full((3, 6, 7), 0.1, np.float32)
    probabilities[0, 1, 1:4] = (0.6, 0.75, 0.6)
    probabilities[1, 2, 4] = 0.55  # touches the first at a corner
    probabilities[2, 5, 6] = 0.9
    assert find_lesions(probabilities) == [
        Lesion(center=(0, 1, 2), size=4, confidence=0.75),
        Lesion(center=(2, 5, 6), size=1, confidence=pytest.approx(0.9)),
    ]
    assert find_lesions(probabilities, 0.7) == [((0, 1, 2), 1, 0.75), ((2, 5, 6), 1, pytest.approx(0.9))]
    assert find_lesions(probabilities, 0.95) == []


def test_the_center_is_drawn_to_what_is_likely() -> None:
    assert find_lesions(np.array([[0.9, 0.9, 0.2, 0.2, 0.2]]), 0.1)[0].center == (0, 1)


def test_the_center_of_a_ring_lies_on_it() -> None:
    rows, columns = np.mgrid[:21, :21]
    ring = np.abs(np.hypot(rows - 10, columns - 10) - 7) < 1
    center = find_lesions(ring.astype(float))[0].center
    assert ring[center]


def test_centers_of_nothing_have_their_dimensions() -> None:
    assert lesion_centers([], 3).shape == (0, 3)
    assert lesion_centers([Lesion((1, 2), 3, 0.5)], 2).tolist() == [[1, 2]]


def test_each_lesion_is_found_once() -> None:
    """Two predictions at one lesion: one is right, the other a false positive."""
    assert count_matches(at((0, 0), (0, 1)), at((0, 0)), 5) == 1
    assert count_matches(at((0, 0)), at((0, 0), (0, 1)), 5) == 1


def test_pairs_are_made_so_that_most_are_found() -> None:
    """The nearest pair first would leave the other two apart: 4-5 is nearer than 0-4 and 5-9, which are both near."""
    assert count_matches(at((0, 4), (0, 9)), at((0, 0), (0, 5)), 4) == 2


def test_the_distance_itself_still_counts() -> None:
    assert count_matches(at((0, 0)), at((3, 4)), 5) == 1
    assert count_matches(at((0, 0)), at((3, 4)), 4.99) == 0


spots = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5)


def most_pairs(near: NDArray[np.bool_]) -> int:
    """By trying everything."""
    if not len(near):
        return 0
    without = most_pairs(near[1:])
    return max([without, *(1 + most_pairs(np.delete(near[1:], c, axis=1)) for c in np.flatnonzero(near[0]))])


@given(spots, spots, st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_no_other_pairing_finds_more(predicted: list[tuple[int, int]], true: list[tuple[int, int]], limit: int) -> None:
    near = np.array([[math.hypot(a - c, b - d) <= limit for c, d in true] for a, b in predicted], bool)
    assert count_matches(at(*predicted), at(*true), limit) == most_pairs(near.reshape(len(predicted), len(true)))


def test_the_meter_by_hand() -> None:
    """Pixels of 2 mm: 4 pixels apart is 8 mm, 6 are 12."""
    meter = LocalizationMeter(distance=10)
    meter.update("a", at((0, 0), (20, 20)), at((0, 4), (20, 26), (50, 50)), spacing=(2.0, 2.0))
    meter.update("b", at((5, 5)), at(), spacing=(2.0, 2.0))
    figures = meter.compute()
    assert figures == pytest.approx({"f_score": 2 / 6, "precision": 1 / 3, "sensitivity": 1 / 3})


def test_axes_have_their_own_spacing() -> None:
    meter = LocalizationMeter(distance=10)
    meter.update("a", np.array([[0.0, 0, 0]]), np.array([[2.0, 0, 0]]), spacing=(8.0, 0.7, 0.7))
    assert meter.compute()["f_score"] == 0
    meter.update("a", np.array([[0.0, 0, 0]]), np.array([[0.0, 9, 9]]), spacing=(8.0, 0.7, 0.7))
    assert meter.compute()["f_score"] == 0.5


def test_nothing_to_find_and_nothing_found_has_no_score() -> None:
    assert all(math.isnan(figure) for figure in LocalizationMeter(1).compute().values())


def test_positions_of_other_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="case a: positions"):
        LocalizationMeter(1).update("a", at((0, 0)), at((0, 0)), spacing=(1.0, 1.0, 1.0))
