"""Which regions are chosen from scores."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundglass.active.selection import Neighborhood
from groundglass.active.selection import choose

SCORES = np.array([[0.9, 0.8, 0.1, 0.0], [0.7, 0.6, 0.5, 0.4], [0.3, 0.2, 0.25, 0.15]])
ALL = np.ones_like(SCORES, bool)


def test_one_region_of_each_image_by_default() -> None:
    assert choose(SCORES, ALL, 2) == [(0, 0), (1, 0)]
    assert choose(SCORES, ALL, 9) == [(0, 0), (1, 0), (2, 0)]


def test_many_regions_of_an_image() -> None:
    assert choose(SCORES, ALL, 3, per_image=None) == [(0, 0), (0, 1), (1, 0)]
    assert choose(SCORES, ALL, 4, per_image=2) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_images_may_be_ranked_by_themselves() -> None:
    assert choose(SCORES, ALL, 2, image_scores=np.array([0.1, 0.3, 0.2])) == [(1, 0), (2, 0)]


def test_what_was_asked_is_not_chosen() -> None:
    is_open = ALL.copy()
    is_open[0] = is_open[1, 0] = False
    assert choose(SCORES, is_open, 2) == [(1, 1), (2, 0)]
    assert choose(SCORES, ~ALL, 5) == []


def test_neighbors_are_those_that_touch_in_a_slice_or_close_by() -> None:
    near = Neighborhood(np.array([0, 0, 0, 1]), np.array([0, 3, 4, 0]), side=4).near
    assert near((0, 0), (0, 5))
    assert not near((0, 0), (0, 2))
    assert not near((0, 3), (0, 4)), "the end of a row and the beginning of the next"
    assert near((0, 0), (1, 1))
    assert not near((0, 0), (2, 0)), "four slices away"
    assert not near((0, 0), (3, 0)), "another case"


def test_a_diverse_batch_takes_neighbors_last() -> None:
    scores = np.array([[9.0, 8, 7, 1], [8.5, 0, 0, 0]])
    apart = Neighborhood(np.array([0, 0]), np.array([0, 1]), side=2)
    far = Neighborhood(np.array([0, 1]), np.array([0, 1]), side=2)
    is_open = np.ones_like(scores, bool)
    assert choose(scores, is_open, 2, per_image=None, apart=far) == [(0, 0), (1, 0)]
    assert choose(scores, is_open, 3, per_image=None, apart=apart) == [(0, 0), (1, 0), (0, 1)]
    assert choose(scores, is_open, 3, per_image=1, apart=apart) == [(0, 0), (1, 0)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.one_of(st.none(), st.integers(1, 3)), st.booleans())
def test_never_twice_never_closed_never_too_many(seed: int, count: int, per_image: int | None, diverse: bool) -> None:
    rng = np.random.default_rng(seed)
    scores, is_open = rng.random((6, 9)), rng.random((6, 9)) < 0.4
    apart = Neighborhood(np.zeros(6), np.arange(6) * 2, side=3) if diverse else None
    chosen = choose(scores, is_open, count, per_image=per_image, apart=apart)
    most = np.minimum(is_open.sum(axis=1), per_image or 9).sum()
    assert len(set(chosen)) == len(chosen) == min(count, most)
    assert all(is_open[one] for one in chosen)
    assert max(np.bincount([image for image, _ in chosen], minlength=1)) <= (per_image or 9)
