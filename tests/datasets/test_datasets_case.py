from __future__ import annotations

from typing import Any

import pytest

from groundglass.datasets.case import Case
from groundglass.errors import InputError

RECORD: dict[str, Any] = {"case": "a", "patient": "p", "image": "images/a.nii.gz", "intensity": "hu", "slices": [2, 5]}


def test_a_case_survives_json_and_leaves_out_what_is_not_known() -> None:
    case = Case.from_json(RECORD)
    assert case.slices == (2, 5)
    assert case.label is None
    assert case.to_json() == RECORD | {"slices": (2, 5)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slices": [5, 5]}, "slices"),
        ({"slices": [-1, 5]}, "slices"),
        ({"slices": [1.5, 5]}, "slices"),
        ({"slices": 7}, "slices|wrong keys"),
        ({"intensity": "percent"}, "intensity"),
        ({"patient": 3}, "patient"),
        ({"image": None}, "image"),
        ({"color": "red"}, "color"),
    ],
)
def test_senseless_records_are_refused_with_the_name_of_the_key(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Case.from_json(RECORD | change)


def test_records_without_a_key_or_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="image"):
        Case.from_json({key: value for key, value in RECORD.items() if key != "image"})
    with pytest.raises(InputError, match=r"imagesTs/1\.nii\.gz"):
        Case.from_json("imagesTs/1.nii.gz")
