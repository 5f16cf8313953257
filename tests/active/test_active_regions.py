"""Regions tile a slice, and their scores are those of their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.active.regions import Regions
from groundglass.active.regions import Remainder
from groundglass.errors import InputError


def painted(regions: Regions, size: tuple[int, int]) -> np.ndarray:
    """How many regions each pixel belongs to."""
    count = np.zeros(size, int)
    for number in range(len(regions)):
        count[regions.box(number)] += 1
    return count


@given(height=st.integers(9, 70), width=st.integers(9, 70), side=st.integers(1, 9))
def test_shared_regions_tile_the_slice_with_sides_that_differ_by_one(height: int, width: int, side: int) -> None:
    regions = Regions.of((height, width), side**2)
    assert len(regions) == side**2
    assert (painted(regions, (height, width)) == 1).all()
    for edges in (regions.rows, regions.columns):
        assert np.ptp(np.diff(edges)) <= 1


@given(height=st.integers(9, 70), width=st.integers(9, 70), side=st.integers(1, 9))
def test_released_regions_are_equal_and_leave_the_remainder_out(height: int, width: int, side: int) -> None:
    regions = Regions.of((height, width), side**2, "released")
    count = painted(regions, (height, width))
    assert (count[: height // side * side, : width // side * side] == 1).all()
    assert count.sum() == (height // side) * (width // side) * side**2


def test_the_papers_352_pixels_leave_one_row_and_column_of_81_regions() -> None:
    assert (painted(Regions.of((352, 352), 81, "released"), (352, 352)) == 0).sum() == 352 + 351
    assert np.diff(Regions.of((352, 352), 64).rows).tolist() == [44] * 8


@pytest.mark.parametrize("remainder", ["shared", "released"])
@pytest.mark.parametrize("reduction", ["mean", "max"])
def test_reduce_is_what_a_loop_over_regions_gives(remainder: Remainder, reduction: str) -> None:
    maps = np.random.default_rng(0).random((3, 20, 23)).astype(np.float32)
    regions = Regions.of((20, 23), 9, remainder)
    combine = getattr(np, reduction)
    expected = [[combine(one[regions.box(number)].astype(float)) for number in range(9)] for one in maps]
    np.testing.assert_allclose(regions.reduce(maps, reduction), expected, rtol=1e-6)  # type: ignore[arg-type]


def test_one_region_is_the_whole_slice() -> None:
    assert Regions.of((20, 23), 1).box(0) == (slice(0, 20), slice(0, 23))


@pytest.mark.parametrize("count", [0, -4, 2, 63, 10_000])
def test_other_numbers_are_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"^{count} regions: give a perfect square from 1 to 400, such as 64$"):
        Regions.of((20, 23), count)
