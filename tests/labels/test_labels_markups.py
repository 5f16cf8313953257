from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.markups import from_slicer
from groundglass.labels.markups import to_slicer
from groundglass.labels.table import from_csv
from groundglass.labels.table import to_csv
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

BASE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
SHAPE = (6, 20, 24)
SEEN = (4, 15, 3)
"""A bright voxel in canonical orientation: a lesion in the patient's right back."""

ANGLE = np.deg2rad(17)
OBLIQUE = np.array([[1, 0, 0], [0, np.cos(ANGLE), -np.sin(ANGLE)], [0, np.sin(ANGLE), np.cos(ANGLE)]])

AFFINES = {f"flipped{signs}": BASE * np.array([*signs, 1]) for signs in product((1, -1), repeat=3)}
AFFINES["oblique"] = np.block([[OBLIQUE @ BASE[:3, :3], BASE[:3, 3:]], [np.zeros((1, 3)), np.ones((1, 1))]])
AFFINES["sagittal"] = BASE[:, [2, 1, 0, 3]]
AFFINES["oblique and flipped"] = AFFINES["oblique"] * np.array([-1, 1, -1, 1])


def point(**changes: object) -> Point:
    given = {"case": "a", "seconds": 3.0, "annotator": "anna", "time": "2026-01-01T00:00:00+00:00", "label": 1}
    return Point(**{**given, "position": (-10.5, 22.25, -80.0), **changes})  # type: ignore[arg-type]


def voxel_at(position: tuple[float, float, float], path: Path) -> tuple[int, ...]:
    """The voxel of a file at a position, by nibabel alone: its world is RAS."""
    import nibabel

    affine = nibabel.load(path).affine  # type: ignore[attr-defined]
    x, y, z = position
    return tuple(np.rint(np.linalg.inv(affine) @ [-x, -y, z, 1])[:3].astype(int).tolist())


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("kind", ["slicer", "slicer in RAS", "csv"])
def test_a_click_lands_on_the_voxel_it_was_made_on_whatever_the_orientation(
    name: str, kind: str, tmp_path: Path
) -> None:
    """Click in the canonical view, export, import, and look the position up in the file itself."""
    import nibabel

    empty = Scan(np.full(SHAPE, -900, np.int16), AFFINES[name], "hu")
    canonical = to_canonical(empty)
    seen = np.array(SEEN) % canonical.shape
    position = tuple(canonical.to_mm(seen[None])[0].tolist())
    marked = np.rint(empty.to_indices(np.array([position]))[0]).astype(int)
    empty.voxels[tuple(marked)] = 40
    write_nifti(empty, tmp_path / "scan.nii.gz")
    assert to_canonical(read_scan(tmp_path / "scan.nii.gz")).voxels[tuple(seen)] == 40

    clicked = point(position=position)
    if kind == "csv":
        (back,) = from_csv(to_csv([clicked]), "ben")
    else:
        text = to_slicer([clicked])
        if kind == "slicer in RAS":  # as Slicer writes it when told to
            content = json.loads(text)
            content["markups"][0]["coordinateSystem"] = "RAS"
            control = content["markups"][0]["controlPoints"][0]
            control["position"] = [-position[0], -position[1], position[2]]
            text = json.dumps(content)
        (back,) = from_slicer(text, "a", "ben")
    np.testing.assert_allclose(back.position, position, atol=1e-9)
    voxels = nibabel.load(tmp_path / "scan.nii.gz").get_fdata()  # type: ignore[attr-defined]
    assert voxels[voxel_at(back.position, tmp_path / "scan.nii.gz")] == 40


finite = st.floats(-2000, 2000)


@given(st.lists(st.builds(point, position=st.tuples(finite, finite, finite), label=st.integers(0, 1))))
def test_a_table_keeps_everything(points: list[Point]) -> None:
    assert from_csv(to_csv(points), "ben") == points


def test_a_slicer_list_keeps_positions_and_labels_and_the_same_list_gives_the_same_ids() -> None:
    points = [point(), point(label=0, position=(1.0, 2.0, 3.0))]
    text = to_slicer(points)
    back = from_slicer(text, "a", "ben")
    assert [(one.position, one.label, one.annotator) for one in back] == [
        ((-10.5, 22.25, -80.0), 1, "ben"),
        ((1.0, 2.0, 3.0), 0, "ben"),
    ]
    assert back == from_slicer(text, "a", "ben")
    assert len({one.id for one in back}) == 2


def test_a_slicer_list_is_of_the_kind_slicer_accepts() -> None:
    content = json.loads(to_slicer([point()]))
    assert content["@schema"].endswith("markups-schema-v1.0.3.json#")
    (markup,) = content["markups"]
    assert (markup["type"], markup["coordinateSystem"], markup["coordinateUnits"]) == ("Fiducial", "LPS", "mm")
    assert markup["controlPoints"][0]["positionStatus"] == "defined"


def test_points_that_were_not_placed_are_left_out_and_names_tell_background() -> None:
    content = json.loads(to_slicer([point(), point(), point(), point()]))
    controls = content["markups"][0]["controlPoints"]
    controls[0]["positionStatus"] = "undefined"
    for control, name in zip(controls[1:], ("F-1", "bg-2", "Background_3"), strict=True):
        control["label"] = name
    assert [one.label for one in from_slicer(json.dumps(content), "a", "ben")] == [1, 0, 0]
    content["markups"][0]["name"] = "background"
    assert [one.label for one in from_slicer(json.dumps(content), "a", "ben")] == [0, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"markups": [7]}',
        '{"markups": [{}]}',
        '{"markups": [{"controlPoints": [{"position": [1, 2]}]}]}',
        '{"markups": [{"controlPoints": [{"position": "123"}]}]}',
        "[" * 100_000,
    ],
)
def test_another_file_is_no_slicer_list(text: str) -> None:
    with pytest.raises(InputError, match="not a Slicer point list"):
        from_slicer(text, "a", "ben")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"LPS"', '"XYZ"', "save it in LPS or RAS mm"),
        ('"LPS"', '"\\ud800"', "save it in LPS or RAS mm"),
        ('"mm"', '"cm"', "save it in LPS or RAS mm"),
        ('"mm"', "[]", "save it in LPS or RAS mm"),
        ('"mm"', "{}", "save it in LPS or RAS mm"),
        ("22.25", "NaN", "a position is not a number; mend it in Slicer"),
        ("22.25", "1" + "0" * 400, "a position is not a number; mend it in Slicer"),
        ("22.25", '"x"', "a position is not a number; mend it in Slicer"),
        ("lesion-1", "no. 1", "'no. 1' may mean lesion or background; mend it in Slicer"),
        ("lesion-1", "False positive", "may mean lesion or background"),
    ],
)
def test_unknown_systems_units_numbers_and_names_are_refused(before: str, after: str, says: str) -> None:
    text = to_slicer([point()])
    assert before in text
    with pytest.raises(InputError, match=says) as refused:
        from_slicer(text.replace(before, after), "a", "ben")
    str(refused.value).encode()


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("F-1", "nodule 3", "", "benign", "B/L", "10"), 1),
        (("no lesion", "No_Lesion-2", "normal lung", "b1", "background", "negative"), 0),
    ],
)
def test_a_control_point_is_a_lesion_unless_its_name_says_otherwise(names: tuple[str, ...], label: int) -> None:
    for name in names:
        (one,) = from_slicer(to_slicer([point()]).replace("lesion-1", name), "a", "ben")
        assert one.label == label, name
