from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from groundglass.metrics.counting import CountMeter
from groundglass.metrics.counting import blob_centers
from groundglass.metrics.counting import game


def picture(*rows: str) -> NDArray[np.bool_]:
    return np.array([[character == "#" for character in row] for row in rows])


def at(*points: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(points, float).reshape(-1, 2)


def test_blobs_that_touch_at_a_corner_are_one() -> None:
    mask = picture("#....", ".#...", "....#", "...##")
    assert len(blob_centers(mask)) == 2
    assert blob_centers(mask)[0].tolist() == [0.5, 0.5]
    assert blob_centers(np.zeros((3, 4), bool)).shape == (0, 2)


def test_game_by_hand() -> None:
    """Two lesions in the upper left quarter, of which one is found, and one more in the lower right."""
    true, predicted = at((0, 0), (1, 3)), at((0, 1), (7, 7))
    assert game(predicted, true, (8, 8), 0) == 0
    assert game(predicted, true, (8, 8), 1) == 2
    assert game(predicted, true, (8, 8), 2) == 2
    assert game(predicted, true, (8, 8), 3) == 4


def test_the_remainder_at_the_border_is_counted() -> None:
    """9 is no multiple of 4: cells of 2 whole pixels would end at the eighth and leave out row and column 8."""
    assert game(at(), at((8, 8), (8, 0), (0, 8)), (9, 9), 2) == 3
    assert game(at(), at((4, 4)), (5, 5), 4) == 1


def test_cells_are_equal_parts_of_the_slice() -> None:
    """Halves of 5 pixels: the middle row's center lies on the border and belongs to the second half."""
    assert game(at((1, 0)), at((2, 0)), (5, 5), 1) == 2
    assert game(at((2, 0)), at((3, 0)), (5, 5), 1) == 0


points = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 16)), max_size=8)


@given(points, points)
@settings(max_examples=60, deadline=None)
def test_finer_grids_never_have_less_error_and_the_coarsest_is_that_of_the_count(
    predicted: list[tuple[int, int]], true: list[tuple[int, int]]
) -> None:
    errors = [game(at(*predicted), at(*true), (13, 17), level) for level in range(6)]
    assert errors[0] == abs(len(predicted) - len(true))
    assert errors == sorted(errors)
    assert errors[-1] <= len(predicted) + len(true)
    assert all(game(at(*true), at(*true), (13, 17), level) == 0 for level in range(6))


def test_the_meter_takes_means_over_slices() -> None:
    found, nothing = picture("#..#", "....", "#..."), np.zeros((3, 4), bool)
    meter = CountMeter(levels=[0, 1])
    meter.update("a", np.stack([found, nothing]), np.stack([nothing, nothing]))
    meter.update("b", nothing, picture("#...", "....", "...."))
    figures = meter.compute()
    assert figures["mae"] == figures["game0"] == pytest.approx((3 + 0 + 1) / 3)
    assert figures["game1"] == pytest.approx(4 / 3)
    assert (figures["count_predicted"], figures["count_true"]) == (1, pytest.approx(1 / 3))


def test_lesions_of_neighboring_slices_are_counted_in_each() -> None:
    column = np.zeros((2, 3, 3), bool)
    column[:, 1, 1] = True
    meter = CountMeter(levels=[])
    meter.update("a", column, column)
    assert meter.compute() == {"mae": 0, "count_predicted": 1, "count_true": 1}


def test_clicks_are_counted_as_masks_are() -> None:
    meter = CountMeter(levels=[1])
    meter.update("a", picture("##..", "##..", "...."), picture("#...", "....", "...#"))
    assert (meter.compute()["mae"], meter.compute()["game1"]) == (1, 1)


@given(arrays(bool, (5, 6)), arrays(bool, (5, 6)))
@settings(max_examples=40, deadline=None)
def test_a_slice_against_itself_has_no_error(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
    meter = CountMeter()
    meter.update("a", prediction, prediction)
    assert meter.compute()["mae"] == meter.compute()["game4"] == 0
    meter.update("b", prediction, truth)
    assert meter.compute()["game4"] >= meter.compute()["game3"] >= meter.compute()["mae"]


def test_without_slices_nothing_is_known() -> None:
    assert all(math.isnan(figure) for figure in CountMeter().compute().values())


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"case a: prediction \(2, 2\) and truth \(2, 3\) differ"):
        CountMeter().update("a", np.zeros((2, 2), bool), np.zeros((2, 3), bool))
