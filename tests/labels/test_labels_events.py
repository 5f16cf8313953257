from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import InputError
from groundglass.labels.cost import label_seconds
from groundglass.labels.events import KINDS
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import Retraction
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.events import from_json
from groundglass.labels.events import to_json

EVENTS = [
    Point(case="a", seconds=3.0, position=(1.5, -2.25, 3.0), label=1, annotator="dr-x", time="2024-01-02T03:04:05Z"),
    Region(case="a", seconds=3.0, lower=(0.0, 0.0, 0.0), upper=(1.0, 2.0, 3.0), label=0),
    SliceTag(case="b", seconds=3.0, position=(0.0, 0.0, 5.0), label=1),
    ScanTag(case="b", seconds=0.0, label=0),
    MaskLabel(case="c", seconds=192.0, path="masks/c.nii.gz", slices=(1, 3)),
    MaskLabel(case="c", seconds=96.0, path="masks/c.nii.gz"),
    Retraction(case="c", seconds=0.0, target="0123"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_every_event_comes_back_from_json(event: Label) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_every_kind_is_covered() -> None:
    assert {event.kind for event in EVENTS} == set(KINDS)


coordinates = st.floats(-1e4, 1e4)


@given(st.tuples(coordinates, coordinates, coordinates), st.integers(0, 1), st.text())
def test_no_position_or_name_is_changed_by_json(position: tuple[float, float, float], label: int, case: str) -> None:
    event = Point(case=case, seconds=3.0, position=position, label=label)
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_events_have_names_of_their_own() -> None:
    first, second = (ScanTag(case="a", seconds=0.0, label=1) for _ in range(2))
    assert first.id != second.id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "scribble"}, "unknown kind 'scribble'; known are point, region"),
        ({"kind": {}}, "unknown kind"),
        ({"color": "red"}, "wrong fields: .*color"),
        ({"label": 2}, "label cannot be 2"),
        ({"label": None}, "label cannot be None"),
        ({"label": [1]}, "label cannot be"),
        ({"label": 1.0}, "label cannot be 1.0"),
        ({"label": True}, "label cannot be True"),
        ({"position": [1, 2]}, "position cannot be"),
        ({"position": [1, 2, "x"]}, "position cannot be"),
        ({"position": "abc"}, "position cannot be"),
        ({"position": [1, 2, float("nan")]}, "position cannot be"),
        ({"seconds": "3"}, "seconds cannot be '3'"),
        ({"seconds": -1}, "seconds cannot be -1"),
        ({"seconds": float("inf")}, "seconds cannot be inf"),
        ({"seconds": 1e308}, "seconds cannot be 1e\\+308"),
        ({"seconds": 10**400}, "seconds cannot be 1000"),
        ({"position": [1, 2, 10**400]}, "position cannot be"),
        ({"annotator": "\ud800x"}, "annotator cannot be"),
        ({"case": 7}, "case cannot be 7"),
        ({"id": None}, "id cannot be None"),
    ],
)
def test_a_wrong_record_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        from_json({**to_json(EVENTS[0]), **changes})
    assert len(str(refused.value).encode()) < 200


@pytest.mark.parametrize("slices", [[3, 1], [1, 1], [-1, 2], [1], 5, [0.5, 2], "ab"])
def test_slices_of_a_mask_that_make_no_sense_are_refused(slices: object) -> None:
    with pytest.raises(InputError, match="slices cannot be"):
        from_json({**to_json(EVENTS[4]), "slices": slices})


@pytest.mark.parametrize("field", ["case", "seconds", "position", "label"])
def test_a_missing_field_is_refused(field: str) -> None:
    record = to_json(EVENTS[0])
    del record[field]
    with pytest.raises(InputError, match=f"wrong fields: .*{field}"):
        from_json(record)


def test_labels_cost_the_sum_of_their_seconds() -> None:
    assert label_seconds(EVENTS) == 3 + 3 + 3 + 0 + 192 + 96
    assert label_seconds([]) == 0.0
