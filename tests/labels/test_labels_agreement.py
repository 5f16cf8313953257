from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from groundglass.labels.agreement import agreement
from groundglass.labels.agreement import agreements
from groundglass.labels.agreement import cohens_kappa
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.simulate import recorded_scan_tag
from groundglass.scans.scan import apply_affine


def click(x: float, *, case: str = "a", label: int = 1) -> Label:
    return Point(case=case, seconds=3, position=(x, 0.0, 0.0), label=label)


def empty(x: float, case: str = "a") -> Label:
    return Region(case=case, seconds=3, lower=(x, -5.0, 0.0), upper=(x + 10, 5.0, 0.0), label=0)


def tag(z: float, label: int) -> Label:
    return SliceTag(case="a", seconds=3, position=(0.0, 0.0, z), label=label)


def straight(case: str) -> NDArray[np.float64]:
    """Slices along z, 1 mm."""
    return np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)


def askew(*, about_z: float = 0, about_x: float = 0) -> NDArray[np.float64]:
    """Slices of 5 mm with pixels of 0.7 x 0.8 mm, turned in plane and tilted, by degrees."""
    c, s = np.cos(np.deg2rad([about_z, about_x])), np.sin(np.deg2rad([about_z, about_x]))
    plane = np.array([[c[0], -s[0], 0], [s[0], c[0], 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, c[1], -s[1]], [0, s[1], c[1]]])
    affine = np.eye(4)
    affine[:3, :3] = plane @ tilt @ np.array([[0, 0, 0.8], [0, 0.7, 0], [5, 0, 0]])
    affine[:3, 3] = -20, -30, -100
    return affine


def at(affine: NDArray[np.float64], *index: float) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in apply_affine(affine, np.array([index]))[0])
    return x, y, z


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
    assert agreement([empty(0)], [click(5)], affine=straight).regions_same == 0
    found = agreement([empty(0), empty(100)], [empty(0), click(105), click(300)], affine=straight)
    assert (found.regions, found.regions_same) == (3, pytest.approx(2 / 3))
    assert agreement([empty(0)], [click(5)]).regions == 0, "without a grid nobody knows what the region holds"
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


@pytest.mark.parametrize("step", [0.625, 1.0, 0.3])
@pytest.mark.parametrize("knows_grid", [True, False])
def test_tags_of_neighboring_thin_slices_are_told_apart(step: float, knows_grid: bool) -> None:
    affine = straight("a")
    affine[2, 0], affine[2, 3] = step, step / 2
    given = {"affine": lambda case: affine} if knows_grid else {}
    tags = [tag(round(step * (k + 0.5), 4), k % 2) for k in range(20)]
    found = agreement(tags, tags, **given)
    assert (found.tags, found.tags_same, found.kappa) == (20, 1.0, pytest.approx(1.0))
    assert agreement(tags[::2], tags[1::2], **given).tags == 0


@pytest.mark.parametrize("about_z", [0, 30, 45, 90, 180])
def test_a_region_turned_in_plane_holds_the_clicks_in_its_pixels(about_z: float) -> None:
    affine = askew(about_z=about_z)
    region = Region(case="a", seconds=3, lower=at(affine, 0, 10, 10), upper=at(affine, 0, 19, 19), label=0)

    def regions(row: float, column: float, index: float = 0) -> int:
        clicked = Point(case="a", seconds=3, position=at(affine, index, row, column), label=1)
        return agreement([region], [clicked], affine=lambda case: affine).regions

    inside = [(10, 10), (11, 18), (18, 11), (14.5, 14.5), (19.4, 9.6)]
    outside = [(9, 14), (14, 20), (20, 20), (19.6, 10)]
    assert [regions(*place) for place in inside] == [1] * len(inside)
    assert [regions(*place) for place in outside] == [0] * len(outside)
    assert regions(14, 14, index=1) == 0


def test_a_region_of_a_tilted_slice_holds_no_click_of_another() -> None:
    affine = askew(about_x=17)
    region = Region(case="a", seconds=3, lower=at(affine, 10, 0, 0), upper=at(affine, 10, 47, 47), label=0)
    clicks = [
        Point(case="a", seconds=3, position=at(affine, d, r, 20), label=1) for d in (8, 9, 11, 12) for r in range(48)
    ]
    assert agreement([region], clicks, affine=lambda case: affine).regions == 0
    assert agreement([region], [click(0), *clicks], affine=lambda case: None).regions == 0


def test_only_people_are_compared_with_people() -> None:
    def by(name: str) -> Label:
        return ScanTag(case="a", seconds=0, label=1, annotator=name)

    labels = [by("anna"), by("ben"), by("simulated"), *recorded_scan_tag(1, "a")]
    assert {name: found.tags_same for name, found in agreements(labels, "anna").items()} == {"ben": 1.0}
    assert agreements(labels, "cleo") == {}
