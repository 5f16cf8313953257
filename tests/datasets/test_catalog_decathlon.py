from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.decathlon import DecathlonDatalist
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.unfinished import begin
from groundglass.errors import InputError


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz", **more}


def write_case(root: Path, name: str, seed: int = 0) -> None:
    write_volume(root / f"imagesTr/{name}.nii.gz", hu(seed))
    write_volume(root / f"labelsTr/{name}.nii.gz", lesion())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate("abcdefgh"):
        write_case(tmp_path / "raw", name, seed)
    return tmp_path / "raw"


def listed(root: Path, content: Any, name: str = "dataset.json") -> Path:
    (root / name).write_text(json.dumps(content))
    return root / name


def parts(layout: DecathlonDatalist) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"training": [], "validation": [], "test": []}
    for source in layout.sources():
        assert source.part is not None
        found[source.part].append(source.case)
    return found


def test_the_lists_stand_as_they_are(root: Path, tmp_path: Path) -> None:
    content = {
        "training": [entry("a"), entry("b")],
        "validation": [entry("c")],
        "test": [entry("d"), "./imagesTr/e.nii.gz"],
    }
    listed(root, content)
    folder = prepare(LAYOUTS.build("decathlon", {}, root=root), tmp_path / "set", name="d")
    split = folder.split
    assert [case.case for case in split.training] == ["a", "b"]
    assert [case.case for case in split.validation] == ["c"]
    assert [case.case for case in split.test] == ["d"], "an entry without a label cannot be scored"
    mask = folder.mask(split.test[0])
    assert mask is not None
    np.testing.assert_array_equal(mask.voxels, lesion())
    np.testing.assert_array_equal(folder.scan(split.test[0]).voxels, hu(3))


def test_a_fold_validates_and_the_test_is_held_out(root: Path) -> None:
    path = listed(
        root, {"training": [entry(name, fold=number % 3) for number, name in enumerate("abcdefgh")]}, "l.json"
    )
    found = parts(DecathlonDatalist(path))
    assert found["validation"] == ["a", "d", "g"]
    assert len(found["test"]) == 1
    assert len(found["training"]) == 4
    assert parts(DecathlonDatalist(path, fold=2))["validation"] == ["c", "f"]
    with pytest.raises(InputError, match="has no fold 5; choose one of 0, 1, 2"):
        DecathlonDatalist(path, fold=5).sources()


def test_a_list_of_its_own_validates_instead_of_a_fold(root: Path) -> None:
    content = {
        "training": [entry("a", fold=0), entry("b", fold=1)],
        "validation": [entry("c")],
        "testing": [entry("d")],
    }
    assert parts(DecathlonDatalist(listed(root, content))) == {
        "training": ["a", "b"],
        "validation": ["c"],
        "test": ["d"],
    }


def test_missing_parts_are_held_out_by_patient(root: Path) -> None:
    path = listed(root, {"training": [entry(name, patient=ord(name) // 2) for name in "abcdefgh"]})
    layout = DecathlonDatalist(path)
    found = parts(layout)
    assert all(found.values())
    patients = {source.case: source.patient for source in layout.sources()}
    sides = [{patients[name] for name in found[part]} for part in found]
    assert len(set.union(*sides)) == sum(map(len, sides))


def test_only_patients_with_masks_are_held_out(root: Path) -> None:
    bare = [f"imagesTr/{name}.nii.gz" for name in "defgh"]
    found = parts(DecathlonDatalist(listed(root, {"training": [entry("a"), *bare, entry("b"), entry("c")]})))
    assert len(found["validation"]) == len(found["test"]) == 1
    assert {*found["validation"], *found["test"]} < {"a", "b", "c"}
    assert {*"defgh"} < {*found["training"]}


def test_images_without_any_label_are_all_for_labeling(root: Path) -> None:
    path = listed(root, {"training": ["imagesTr/a.nii.gz", {"image": "imagesTr/b.nii.gz", "label": ""}]})
    assert parts(DecathlonDatalist(path)) == {"training": ["a", "b"], "validation": [], "test": []}


def test_paths_may_be_absolute_or_lead_out_of_the_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    out = {"image": "../raw/imagesTr/b.nii.gz", "label": str(root / "labelsTr/b.nii.gz")}
    absolute = {"image": str(root / "imagesTr/c.nii.gz"), "label": "../raw/labelsTr/c.nii.gz"}
    one = {"image": str(root / "imagesTr/d.nii.gz"), "label": "../raw/labelsTr/d.nii.gz"}
    path = listed(tmp_path / "lists", {"training": [out], "validation": [absolute], "test": [one]})
    folder = prepare(DecathlonDatalist(path), tmp_path / "set", name="d")
    np.testing.assert_array_equal(folder.scan(folder.split.training[0]).voxels, hu(1))
    assert sorted(path.name for path in (tmp_path / "set/images").iterdir()) == ["b.nii.gz", "c.nii.gz", "d.nii.gz"]


def test_names_that_would_be_the_same_take_their_folders_and_are_safe(root: Path, tmp_path: Path) -> None:
    names = ["one/ct", "two/ct", "../o%t her/ct", "two/x"]
    for seed, name in enumerate(names):
        write_volume(root / f"{name}.nii.gz", hu(seed))
    content = {"training": [f"{name}.nii.gz" for name in names]}
    folder = prepare(DecathlonDatalist(listed(root, content)), tmp_path / "set", name="d")
    assert [case.case for case in folder.split.training] == ["one_ct", "two_ct", "o_t_her_ct", "two_x"]
    np.testing.assert_array_equal(folder.scan(folder.split.training[2]).voxels, hu(2))


def test_an_image_is_not_overwritten_by_its_own_dataset(root: Path, tmp_path: Path) -> None:
    (root / "imagesTr").rename(root / "images")
    content = {"training": [str(root / "images/a.nii.gz")]}
    (tmp_path / "lists").mkdir()
    before = (root / "images/a.nii.gz").read_bytes()
    with pytest.raises(InputError, match="holds images and was not left by an unfinished 'prepare'"):
        prepare(DecathlonDatalist(listed(tmp_path / "lists", content)), root, name="d")
    begin(root)  # as if one had been begun there
    with pytest.raises(InputError, match="would be overwritten"):
        prepare(DecathlonDatalist(listed(tmp_path / "lists", content)), root, name="d")
    assert (root / "images/a.nii.gz").read_bytes() == before


def test_lesion_labels_are_chosen_among_the_declared(root: Path) -> None:
    write_volume(root / "labelsTr/a.nii.gz", lesion() * 2 + (lesion() == 0).astype(np.uint8))
    labels = {"0": "background", "1": "lung", "2": "covid"}
    content = {"labels": labels, "training": [entry("a")], "validation": [entry("b")], "test": [entry("c")]}
    path = listed(root, content)
    layout = LAYOUTS.build("decathlon", {"lesion_labels": [2]}, root=path)
    mask = layout.sources()[0].mask
    np.testing.assert_array_equal(mask().voxels, lesion())
    with pytest.raises(InputError, match=r"lesions \[7\] are not among its labels"):
        DecathlonDatalist(path, lesion_labels=(7,)).sources()


def test_a_prepared_dataset_is_such_a_list(root: Path, tmp_path: Path) -> None:
    content = {"training": [entry("a", patient="p")], "validation": [entry("b")], "test": [entry("c")]}
    first = prepare(DecathlonDatalist(listed(root, content)), tmp_path / "first", name="d")
    again = prepare(DecathlonDatalist(first.root), tmp_path / "again", name="d")
    assert again.split == first.split
    assert DatasetFolder.open(tmp_path / "again").split.training[0].patient == "p"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "there is no case"),
        ([], "not a JSON object"),
        ({"training": {"a": 1}}, "'training' is not a list"),
        ({"training": [3]}, "give each one image file"),
        ({"training": [{"image": ["a.nii", "b.nii"]}]}, "give each one image file"),
        ({"training": [{"image": "a.nii", "label": 1}]}, "give each one mask file"),
        ({"training": [{"image": "a.nii", "fold": "x"}]}, "whole fold"),
        ({"training": [{"image": "missing.nii.gz"}]}, r"missing\.nii\.gz: there is no such file"),
    ],
)
def test_damaged_lists_are_refused(root: Path, tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        prepare(DecathlonDatalist(listed(root, content)), tmp_path / "set", name="d")


def test_too_few_patients_are_refused(root: Path) -> None:
    with pytest.raises(InputError, match="give 3 or more"):
        DecathlonDatalist(listed(root, {"training": [entry("a"), entry("b")]})).sources()


def test_the_one_json_file_of_a_folder_is_found(root: Path) -> None:
    with pytest.raises(InputError, match="holds 0 JSON files"):
        DecathlonDatalist(root)
    listed(root, {}, "one.json")
    assert DecathlonDatalist(root).path.name == "one.json"
    listed(root, {}, "two.json")
    with pytest.raises(InputError, match="holds 2 JSON files"):
        DecathlonDatalist(root)
    listed(root, {})
    assert DecathlonDatalist(root).path.name == "dataset.json"
    with pytest.raises(InputError, match="no such folder"):
        DecathlonDatalist(root / "nothing.json")
