"""Tables of points, as spreadsheets and Slicer write them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.table import from_csv
from groundglass.labels.table import to_csv


def point() -> Point:
    given = {"case": "a", "seconds": 3.0, "annotator": "anna", "label": 1}
    return Point(**given, time="2026-01-01T00:00:00+00:00", position=(-10.5, 22.25, -80.0))  # type: ignore[arg-type]


def test_a_table_by_hand_in_ras_needs_little() -> None:
    (one,) = from_csv("\ufeffR,A,S,label\n1,2,3,background\n", "ben", "a")
    assert (one.position, one.label, one.case, one.annotator) == ((-1.0, -2.0, 3.0), 0, "a", "ben")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name the axes"),
        ("x,y,z\n1,2,3\n", "name the axes"),
        ("l,p,s\n1,2,three\n", "line 2 of the table"),
        ("l,p,s\n1,2\n", "line 2"),
        ("l,p,s\n1,2,3\n", "names no case"),
        ("case,l,p,s\na,1,2,nan\n", "not a number"),
        ("case,l,p,s,seconds\na,1,2,3,-1\n", "line 2 of the table: the seconds are not from 0 to 600"),
        ("case,l,p,s,seconds\na,1,2,3,1e308\n", "the seconds are not from 0 to 600; mend it"),
        ("case,l,p,s,seconds\na,1,2,3,nan\n", "the seconds are not"),
        ("case,l,p,s\ra,1,2,3\r", "line 1 of the table: a carriage return stands alone; save it"),
        ("case,l,p,s\na,1,2,3\n" + "x" * 140_000 + ",1,2,3\n", "line 3 of the table: a cell is too long; save it"),
        ("case,l,p,s,annotator\na,1,2,3,\ud800x\n", "half a character .*; save it as CSV UTF-8"),
        ("case,l,p,s,annotator\na,1,2,3," + "x" * 201 + "\n", "line 2 of the table: the annotator has more than 200"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        from_csv(text, "ben")


def test_replacing_the_time_keeps_the_rest() -> None:
    (one,) = from_csv(to_csv([replace(point(), time=None)]), "ben")
    assert one.time is None


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("lesion Lesion-3 1 1.0 TRUE yes positive", 1),
        ("background bg_2 0 0.0 False no no-lesion non-lesion negative normal None nothing_here", 0),
    ],
)
def test_words_for_lesion_and_background_are_understood(words: str, label: int) -> None:
    for word in words.split():
        for spelled in (word, word.replace("-", " "), f" {word} "):
            (one,) = from_csv(f"case,l,p,s,label\na,1,2,3,{spelled}\n", "ben")
            assert one.label == label, spelled


@pytest.mark.parametrize("word", ["F-1", "2", "10", "-1", "0.5", "false negative", "benign", "lesion absent", "\u00e9"])
def test_a_word_that_is_not_clear_is_refused(word: str) -> None:
    with pytest.raises(InputError, match=r"line 2 of the table: the label .* is neither lesion nor background"):
        from_csv(f"case,l,p,s,label\na,1,2,3,{word}\n", "ben")


def test_a_table_of_slicer_has_names_of_points_and_points_not_placed() -> None:
    text = (
        "label,l,p,s,defined,selected,visible,locked,description\n"
        "F-1,-19.9067,13.9347,29.443,1,1,1,0,\nbackground-2,1,2,3,1,1,1,0,\nF-3,0,0,0,0,1,1,0,\n"
    )
    assert [(one.label, one.position[0]) for one in from_csv(text, "ben", "a")] == [(1, -19.9067), (0, 1.0)]
    with pytest.raises(InputError, match="line 2 of the table: the name 'no 1' may mean lesion or background"):
        from_csv(text.replace("F-1", "no 1"), "ben", "a")


def test_numbers_as_ids_are_told_apart_by_case_and_place() -> None:
    rows = "".join(f"{number},{case},{number},2,3\n" for case in "ab" for number in (1, 2))
    points = from_csv(f"id,case,l,p,s\n{rows}", "ben")
    assert len({one.id for one in points}) == 4
    assert points == from_csv(f"id,case,l,p,s\n{rows}", "ben")
