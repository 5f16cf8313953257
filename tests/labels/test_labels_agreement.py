from __future__ import annotations

import pytest

from groundglass.labels.agreement import agreement
from groundglass.labels.agreement import cohens_kappa
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag


def click(x: float, *, case: str = "a", label: int = 1) -> Label:
    return Point(case=case, seconds=3, position=(x, 0.0, 0.0), label=label)


def empty(x: float, case: str = "a") -> Label:
    return Region(case=case, seconds=3, lower=(x, -5.0, 0.0), upper=(x + 10, 5.0, 0.0), label=0)


def tag(z: float, label: int) -> Label:
    return SliceTag(case="a", seconds=3, position=(0.0, 0.0, z), label=label)


def test_clicks_match_within_a_distance_both_ways() -> None:
    found = agreement([click(0), click(50)], [click(9), click(100)])
    assert (found.clicks, found.clicks_matched) == (4, 0.5)
    assert agreement([click(0)], [click(11)]).clicks_matched == 0
    assert agreement([click(0)], [click(11)], within_mm=12).clicks_matched == 1


def test_cases_only_one_has_clicked_on_and_background_do_not_count() -> None:
    found = agreement([click(0), click(3, label=0)], [click(0, case="b"), click(3, label=0)])
    assert (found.clicks, found.clicks_matched) == (0, None)


def test_regions_both_answered_are_compared() -> None:
    assert agreement([empty(0)], [empty(0)]).regions_same == 1
    assert agreement([empty(0)], [click(5)]).regions_same == 0
    found = agreement([empty(0), empty(100)], [empty(0), click(105), click(300)])
    assert (found.regions, found.regions_same) == (3, pytest.approx(2 / 3))
    assert agreement([empty(0)], [empty(40)]).regions == 0
    assert agreement([empty(0)], [empty(0, "b"), click(5, case="b")]).regions == 0


def test_tags_and_kappa_by_hand() -> None:
    """Cohen's example of a 2 x 2 table: 20 both yes, 5 and 10 apart, 15 both no; kappa is 0.4."""
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    first = [tag(z, one) for z, (one, _) in enumerate(pairs)]
    second = [tag(z, other) for z, (_, other) in enumerate(pairs)]
    found = agreement([*first, tag(999, 1)], second)
    assert (found.tags, found.tags_same) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_the_last_tag_counts_and_scan_tags_are_tags() -> None:
    scan: list[Label] = [ScanTag(case="a", seconds=0, label=label) for label in (0, 1)]
    assert agreement(scan, scan[1:]).tags_same == 1


def test_kappa_is_nothing_where_chance_agrees_as_well() -> None:
    assert cohens_kappa([]) is None
    assert cohens_kappa([(1, 1), (1, 1)]) is None
    assert agreement([], []).kappa is None
