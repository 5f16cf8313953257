"""Which points of a file are new."""

from __future__ import annotations

from dataclasses import replace

from groundglass.labels.events import Point
from groundglass.labels.merging import lacking


def point(x: float = 0.0, **changes: object) -> Point:
    given = {"case": "a", "seconds": 3.0, "annotator": "anna", "label": 1, "position": (x, 2.0, 3.0)}
    return Point(**{**given, **changes})  # type: ignore[arg-type]


def new(points: list[Point], there: list[Point], *, used: frozenset[str] = frozenset()) -> list[Point]:
    used |= {one.id for one in there}
    return lacking(points, lambda case: [one for one in there if one.case == case], used.__contains__, "ben")


def test_points_that_name_nobody_are_there_if_anybody_has_placed_them() -> None:
    there = [point(0), point(5, annotator="ben"), point(9, label=0)]
    assert new([replace(one, annotator="", id="") for one in there], there) == []
    moved = [point(1, annotator=""), point(9, annotator=""), point(0, annotator="", case="b")]
    assert [(one.annotator, one.position[0]) for one in new(moved, there)] == [("ben", 1.0), ("ben", 9.0), ("ben", 0.0)]


def test_points_of_somebody_are_there_if_they_have_placed_them() -> None:
    assert [one.annotator for one in new([point(), point(annotator="cleo")], [point()])] == ["cleo"]


def test_a_position_that_another_program_has_rounded_is_the_same() -> None:
    assert new([point(12.3457)], [point(12.34567)]) == []
    assert len(new([point(12.5)], [point(12.34567)])) == 1


def test_ids_are_kept_unless_they_were_used() -> None:
    first, second = point(1), point(2)
    assert new([first, second], []) == [first, second]
    taken_back = new([first], [], used=frozenset({first.id}))
    assert [one.position for one in taken_back] == [first.position]
    assert taken_back[0].id != first.id
    copied_down = new([first, replace(second, id=first.id)], [])
    assert [one.position for one in copied_down] == [first.position, second.position]
    assert len({one.id for one in copied_down}) == 2


def test_the_same_line_twice_is_one_point_but_two_clicks_at_one_place_stay_two() -> None:
    one = point()
    assert new([one, one], []) == [one]
    assert len(new([one, point()], [])) == 2
