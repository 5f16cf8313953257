from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan


def test_a_saved_dataset_opens_as_it_was(blobs: DatasetFolder) -> None:
    opened = DatasetFolder.open(blobs.root)
    assert opened.name == "blobs"
    assert opened.split == blobs.split


def test_the_description_is_a_datalist(blobs: DatasetFolder) -> None:
    content = json.loads((blobs.root / "dataset.json").read_text())
    assert content["split_hash"] == blobs.split.hash
    assert [entry["image"] for entry in content["test"]] == ["images/case5.nii.gz"]
    assert all((blobs.root / entry["label"]).is_file() for entry in content["training"])


def test_scan_and_mask_of_a_case_are_read_on_one_grid(blobs: DatasetFolder) -> None:
    case = blobs.split.training[0]
    scan, mask = blobs.scan(case), blobs.mask(case)
    assert mask is not None
    assert scan.intensity == "hu"
    np.testing.assert_array_equal(scan.affine, mask.affine)
    assert scan.voxels[mask.voxels > 0].mean() > scan.voxels[mask.voxels == 0].mean() + 300
    assert blobs.lungs(case) is None


def test_labels_are_chosen_by_kind_and_kept_by_case(blobs: DatasetFolder) -> None:
    labels = blobs.labels(["point", "scan_tag"])
    assert set(labels) == {case.case for case in blobs.split.training}
    assert {label.kind for some in labels.values() for label in some} == {"point", "scan_tag"}
    assert all(label.case == name for name, some in labels.items() for label in some)


def test_a_mask_of_another_size_is_refused(blobs_copy: DatasetFolder) -> None:
    case = blobs_copy.split.training[0]
    assert case.label is not None
    write_nifti(Scan(np.zeros((2, 9, 9), np.uint8), np.eye(4), "mask"), blobs_copy.root / case.label)
    with pytest.raises(InputError, match=r"case0.nii.gz: its size \(2, 9, 9\) is not the size \(2, 48, 48\)"):
        blobs_copy.mask(case)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no dataset.json"),
        (b'{"training": [', "damaged"),
        (b"\xff\xfe\xfa", "damaged"),
        (b"[]", "not of a prepared dataset"),
        (b'{"labels": {"background": 0, "lesion": 1}, "file_ending": ".nii.gz"}', "not of a prepared dataset"),
        (b'{"training": [{"image": "a", "label": "b"}], "validation": [], "test": ["c"]}', "wrong keys"),
        (b'{"training": [], "validation": [], "test": ["imagesTs/1.nii.gz"]}', "not a case of a prepared dataset"),
    ],
)
def test_what_is_no_prepared_dataset_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "dataset.json").write_bytes(content)
    with pytest.raises(InputError, match=says):
        DatasetFolder.open(tmp_path)
