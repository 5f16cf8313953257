from __future__ import annotations

from pathlib import Path

import pytest
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError

SCANS = {"CT-0": (1, 2), "CT-1": (255, 256, 257, 258), "CT-3": (900,)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, numbers in SCANS.items():
        for number in numbers:
            write_volume(tmp_path / f"raw/studies/{folder}/study_{number:04d}.nii.gz", hu(number))
    for number in (255, 256, 258):
        write_volume(tmp_path / f"raw/masks/study_{number:04d}_mask.nii.gz", lesion())
    return tmp_path / "raw"


def prepared(root: Path, **options: int) -> DatasetFolder:
    return prepare(LAYOUTS.build("mosmed", options, root=root), root.parent / "data", name="mosmed")


def test_scans_with_masks_are_dealt_out_and_the_others_train(root: Path) -> None:
    split = prepared(root, training=1, validation=1).split
    assert [case.case for case in split.training if case.label] == ["study_0255"]
    assert [case.case for case in split.training if not case.label] == [
        "study_0001",
        "study_0002",
        "study_0257",
        "study_0900",
    ]
    assert [case.case for case in (*split.validation, *split.test)] == ["study_0256", "study_0258"]


def test_the_class_is_the_tag(root: Path) -> None:
    folder = prepared(root, training=1, validation=1)
    assert simulate_labels(folder, ["scan-tags"]) == 5
    tags = {name: (labels[0].label, labels[0].annotator) for name, labels in folder.labels().items()}  # type: ignore[attr-defined]
    assert tags["study_0001"] == (0, "record")
    assert tags["study_0255"] == tags["study_0900"] == (1, "record")
    simulate_labels(folder, ["masks"])
    assert list(folder.labels(("mask",))) == ["study_0255"]


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(InputError, match="holds 3 masks, of which 1 train and 10 validate"):
        prepared(root)
    (root / "studies/CT-1/study_0255.nii.gz").unlink()
    with pytest.raises(InputError, match=r"study_0255_mask.*no scan study_0255"):
        prepared(root, training=1, validation=1)
    with pytest.raises(InputError, match="CT-0"):
        LAYOUTS.build("mosmed", {}, root=root / "studies").sources()
