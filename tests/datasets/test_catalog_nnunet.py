from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_picture
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.nnunet import NnUNetRaw
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError

LABELS: dict[str, Any] = {"background": 0, "lung": 1, "lesion": 2}
Masks = NDArray[np.uint8]


def classes() -> Masks:
    """Lung 1 with lesions 2 in it."""
    mask = np.zeros((8, 16, 16), np.uint8)
    mask[:, 1:12, 1:14] = 1
    mask[lesion() > 0] = 2
    return mask


def describe(root: Path, **content: Any) -> None:
    fields = {"channel_names": {"0": "CT"}, "labels": LABELS, "numTraining": 4, "file_ending": ".nii.gz"}
    (root / "dataset.json").write_text(json.dumps(fields | content))


def write_cases(root: Path, part: str, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        write_volume(root / f"images{part}/lung_{number:03d}_0000.nii.gz", hu(number))
        write_volume(root / f"labels{part}/lung_{number:03d}.nii.gz", classes())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "Dataset001_Lung"
    write_cases(root, "Tr", 6)
    describe(root)
    return root


def build(root: Path, **options: Any) -> NnUNetRaw:
    layout: NnUNetRaw = LAYOUTS.build("nnunet", options, root=root)
    return layout


def masks(folder: DatasetFolder, part: str = "training") -> list[Masks]:
    found = [folder.mask(case) for case in getattr(folder.split, part)]
    assert found
    return [mask.voxels for mask in found if mask is not None]


def read_mask(root: Path, **options: Any) -> Masks:
    mask = build(root, **options).sources()[0].mask
    assert mask is not None
    return mask().voxels


def test_images_and_masks_are_paired_by_case(root: Path, tmp_path: Path) -> None:
    folder = prepare(build(root, lesion_labels=[2]), tmp_path / "set", name="n")
    split = folder.split
    cases = [*split.training, *split.validation, *split.test]
    assert sorted(case.case for case in cases) == [f"lung_{number:03d}" for number in range(6)]
    assert all((split.training, split.validation, split.test))
    for case in cases:
        np.testing.assert_array_equal(folder.scan(case).voxels, hu(int(case.case[-3:])))
    for mask in masks(folder):
        np.testing.assert_array_equal(mask, lesion())


def test_a_labeled_test_part_is_kept_and_only_validation_held_out(root: Path, tmp_path: Path) -> None:
    write_cases(root, "Ts", 2, first=10)
    split = prepare(build(root), tmp_path / "set", name="n").split
    assert [case.case for case in split.test] == ["lung_010", "lung_011"]
    assert (len(split.training), len(split.validation)) == (5, 1)


def test_a_test_part_without_masks_is_not_read(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_volume(root / "imagesTs/lung_010_0000.nii.gz", hu())
    assert len(build(root).sources()) == 6
    assert "no labelsTs" in caplog.text


def test_all_foreground_is_lesion_unless_the_user_says_which(root: Path) -> None:
    np.testing.assert_array_equal(read_mask(root), classes() > 0)
    np.testing.assert_array_equal(read_mask(root, lesion_labels=[2]), lesion())
    np.testing.assert_array_equal(read_mask(root, lesion_labels=[1]), classes() == 1)
    with pytest.raises(InputError, match=r"lesions \[3\] are not among its labels \[1, 2\]"):
        build(root, lesion_labels=[3]).sources()


@pytest.mark.parametrize(
    "labels", [{"background": 0, "both": [1, 2], "lesion": 2}, {"0": "background", "1": "lung", "2": "lesion"}]
)
def test_regions_and_the_labels_of_version_1_are_understood(root: Path, labels: dict[str, Any]) -> None:
    describe(root, labels=labels)
    np.testing.assert_array_equal(read_mask(root, lesion_labels=[2]), lesion())


def test_the_ignore_label_is_neither_lesion_nor_background(root: Path) -> None:
    describe(root, labels={"background": 0, "lesion": 1, "ignore": 2})
    with pytest.raises(InputError, match=r"lung_000\.nii\.gz: some of it has nnU-Net's label 'ignore' \(2\)"):
        read_mask(root)
    write_volume(root / "labelsTr/lung_000.nii.gz", lesion())
    np.testing.assert_array_equal(read_mask(root), lesion())
    with pytest.raises(InputError, match=r"lesions \[2\] are not"):
        read_mask(root, lesion_labels=[2])


def test_a_mask_that_is_all_ignored_is_not_lesion(root: Path) -> None:
    describe(root, labels={"background": 0, "lesion": 1, "ignore": 255})
    write_volume(root / "labelsTr/lung_000.nii.gz", lesion() * 255)
    with pytest.raises(InputError, match=r"lung_000\.nii\.gz: some of it has nnU-Net's label 'ignore' \(255\)"):
        read_mask(root)


def test_a_value_nobody_named_is_refused(root: Path) -> None:
    describe(root, labels={"background": 0, "lesion": 1})
    with pytest.raises(InputError, match="holds the value 2"):
        read_mask(root)


def test_pictures_keep_their_classes(root: Path, tmp_path: Path) -> None:
    describe(root, file_ending=".png")
    for number in range(4):
        write_picture(root / f"imagesTr/p{number}_0000.png", (hu(number)[0] % 256).astype(np.uint8))
        write_picture(root / f"labelsTr/p{number}.png", classes()[2])
    folder = prepare(build(root, lesion_labels=[2]), tmp_path / "set", name="n")
    assert {case.intensity for case in folder.split.training} == {"display"}
    np.testing.assert_array_equal(masks(folder)[0][0], lesion()[2])


def test_nrrd_is_read(tmp_path: Path) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    describe(tmp_path, file_ending=".nrrd", labels={"background": 0, "lesion": 1})
    for number in range(3):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(hu(number)), tmp_path / f"imagesTr/a{number}_0000.nrrd")
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(lesion()), tmp_path / f"labelsTr/a{number}.nrrd")
    folder = prepare(build(tmp_path), tmp_path / "set", name="n")
    np.testing.assert_array_equal(masks(folder)[0], lesion())


def test_further_channels_are_refused(root: Path) -> None:
    write_volume(root / "imagesTr/lung_000_0001.nii.gz", hu())
    with pytest.raises(InputError, match=r"lung_000_0001\.nii\.gz: is a further channel"):
        build(root).sources()


def test_a_name_without_a_channel_is_refused(root: Path) -> None:
    (root / "imagesTr/lung_000_0000.nii.gz").rename(root / "imagesTr/lung_000.nii.gz")
    with pytest.raises(InputError, match="does not end in _0000"):
        build(root).sources()


def test_a_case_without_its_mask_is_refused(root: Path) -> None:
    (root / "labelsTr/lung_003.nii.gz").unlink()
    with pytest.raises(InputError, match=r"lung_003_0000\.nii\.gz: has no mask"):
        build(root).sources()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        ("{", "not a JSON file"),
        ("[]", "not a JSON object"),
        ("{}", "labels are not names"),
        ('{"labels": {"background": 0}}', "are not among its labels"),
        ('{"labels": {"background": 0, "lesion": "one"}}', "labels are not names"),
        ('{"labels": {"background": 0, "lesion": 1}, "file_ending": 3}', "file_ending"),
    ],
)
def test_a_damaged_description_is_refused(root: Path, content: str | None, says: str) -> None:
    (root / "dataset.json").unlink()
    if content is not None:
        (root / "dataset.json").write_text(content)
    with pytest.raises(InputError, match=says):
        build(root).sources()


def test_a_corrupt_file_is_named(root: Path, tmp_path: Path) -> None:
    path = root / "labelsTr/lung_002.nii.gz"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"lung_002\.nii\.gz"):
        prepare(build(root), tmp_path / "set", name="n")
    assert not (tmp_path / "set/dataset.json").exists()
