from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass.cli import main
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.description import orientation
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan
from groundglass.scans.scan import apply_affine

AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
"""Of the cases of ``blobs``, which have two slices of 48 x 48."""

SECRETS = ("Doe", "JD-1", "19500101", "Thorax", "Smith")


def write_series(folder: Path, count: int, **tags: Any) -> None:
    """A CT series with everything about the patient in it."""
    spec = importlib.util.spec_from_file_location("dicom", Path(__file__).parents[1] / "scans" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder.mkdir()
    for index in range(count):
        private = {"PatientBirthDate": "19500101", "ReferringPhysicianName": "Smith", "InstanceNumber": index}
        place = {"ImagePositionPatient": [0, 0, 2.5 * index]}
        stored = np.full((4, 5), 24 + index, np.uint16)
        module.make_slice(stored, **(place | private | tags)).save_as(folder / f"{index}.dcm", enforce_file_format=True)


def info(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["info", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_nifti_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voxels = np.full((30, 40, 50), -850, np.int16)
    voxels[0, 0, 0] = 60
    affine = np.diag([5.0, 0.7, 0.6, 1])[[2, 1, 0, 3]]
    write_nifti(Scan(voxels, affine, "hu"), tmp_path / "scan.nii.gz")
    facts = info(capsys, str(tmp_path / "scan.nii.gz"))
    assert facts["shape"] == [30, 40, 50]
    assert facts["spacing_mm"] == [5, 0.7, 0.6]
    assert facts["size_mm"] == [150, 28, 30]
    assert facts["orientation"] == "axial, slices feet to head, rows front to back, columns right to left"
    assert (facts["intensity"], facts["range"]) == ("hu", [-850, 60])
    assert any("field of view of 30 x 28 mm" in warning for warning in facts["warnings"])
    assert "series" not in facts


def test_dicom_tells_its_series_but_not_its_patient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study").mkdir()
    write_series(tmp_path / "study" / "a", 4)
    write_series(tmp_path / "study" / "b", 3, SeriesInstanceUID="1.2.4", SeriesNumber=5, ConvolutionKernel="B70f")
    write_series(tmp_path / "study" / "c", 1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    facts = info(capsys, str(tmp_path / "study"))
    assert (facts["modality"], facts["transfer_syntax"]) == ("CT", "Explicit VR Little Endian")
    assert [(one["number"], one["slices"]) for one in facts["series"]] == [("2", 4), ("5", 3)]
    assert facts["left_out"] == "a localizer"
    chosen = info(capsys, str(tmp_path / "study"), "--series", "5")
    assert chosen["shape"] == [3, 4, 5]
    assert chosen["series"][0] == {"number": "5", "slices": 3, "size": [4, 5], "kernel": "B70f"}
    assert main(["info", str(tmp_path / "study")]) == 0
    printed = capsys.readouterr()
    assert "number 5, slices 3, size (4, 5), kernel B70f" in printed.out
    for secret in SECRETS:
        assert secret not in printed.out + printed.err + json.dumps(facts)


def test_text_has_a_line_for_each_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([9.0, 0.7, 0.6, 1])[[2, 1, 0, 3]]
    write_nifti(Scan(np.full((3, 40, 50), -850, np.int16), affine, "hu"), tmp_path / "scan.nii")
    assert main(["info", str(tmp_path / "scan.nii")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("shape")).split() == ["shape", "3", "x", "40", "x", "50"]
    assert next(line for line in lines if line.startswith("range")).split(None, 1)[1] == "-850 to -850"
    assert any(line.startswith("warnings") and "Only 3 slices" in line for line in lines)
    assert any(line.startswith("  ") and "9 mm apart" in line for line in lines)


def test_intensity_can_be_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_nifti(Scan(np.full((3, 4, 5), 300, np.int16), np.eye(4), "hu"), tmp_path / "soft.nii")
    assert main(["info", str(tmp_path / "soft.nii")]) == 2
    assert "pass --intensity hu" in capsys.readouterr().err
    assert info(capsys, str(tmp_path / "soft.nii"), "--intensity", "hu")["intensity"] == "hu"


@pytest.mark.parametrize("verb", ["info", "train"])
def test_a_folder_that_may_not_be_read_is_said(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file" if verb == "info" else "read_text", refused)
    command = {"info": [], "train": ["-o", str(tmp_path / "run"), "--method", "full", "--epochs", "1"]}[verb]
    assert main([verb, str(tmp_path), *command]) == 2
    assert "cannot be read (Permission denied); check" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_left_in_peace(tmp_path: Path) -> None:
    write_nifti(Scan(np.full((3, 4, 5), -850, np.int16), np.eye(4), "hu"), tmp_path / "scan.nii")
    command = [sys.executable, "-m", "groundglass", "info", str(tmp_path / "scan.nii")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_labels_of_cases_that_are_not_in_a_dataset_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(PhantomSet(count=3, shape=(8, 64, 64)), tmp_path / "data", name="p")
    folder.store.append([ScanTag(case=name, seconds=1.0, label=1) for name in ("phantom-000", "gone", "old")])
    facts = info(capsys, str(folder.root))
    assert (facts["labels"], facts["label_seconds"]) == ({"scan_tag": 1}, 1.0)
    assert "slice_tags" not in facts
    assert facts["warnings"] == [
        "2 more labels are of cases that are not in this dataset, such as gone; they are not used"
    ]


def slice_tag(case: str, index: int, label: int) -> SliceTag:
    x, y, z = apply_affine(AFFINE, np.array([[index, 0, 0]]))[0]
    return SliceTag(case=case, seconds=3.0, position=(float(x), float(y), float(z)), label=label)


def test_tags_are_counted_by_what_they_say(blobs_copy: DatasetFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Of eight slices of four training scans seven are known: one by the healthy scan's tag, one was tagged anew."""
    blobs_copy.store.path.unlink()
    tags = [("case0", 0, 1), ("case0", 1, 0), ("case0", 1, 1), ("case1", 0, 1), ("case1", 1, 0), ("case2", 0, 0)]
    scans = [("case0", 1), ("case1", 0), ("case1", 1), ("case3", 0)]
    blobs_copy.store.append([slice_tag(*tag) for tag in [*tags, ("case4", 0, 1)]])
    blobs_copy.store.append([ScanTag(case=case, seconds=0.0, label=label) for case, label in scans])
    facts = info(capsys, str(blobs_copy.root))
    assert facts["labels"] == {"slice_tag": 7, "scan_tag": 4}
    assert facts["slice_tags"] == {"lesion": 3, "none": 4, "untagged": 1}
    assert facts["scan_tags"] == {"diseased": 2, "healthy": 1, "untagged": 1}
    assert (facts["contradicting_scans"], facts["labels_outside"], facts["warnings"]) == (0, 0, [])
    assert main(["info", str(blobs_copy.root)]) == 0
    printed = capsys.readouterr().out.splitlines()
    (line,) = [line for line in printed if line.startswith("slice_tags")]
    assert line.split(None, 1)[1] == "lesion 3, none 4, untagged 1"


def test_tags_that_contradict_each_other_are_counted(
    blobs_copy: DatasetFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*blobs_copy.store.read()]
    healthy = [ScanTag(case=case, seconds=0.0, label=0) for case in ("case1", "case2")]
    blobs_copy.store.append([*healthy, slice_tag("case2", 0, 0), slice_tag("case2", 1, 0)])
    facts = info(capsys, str(blobs_copy.root))
    assert any(isinstance(label, SliceTag) and label.label == 1 and label.case == "case2" for label in given)
    assert facts["contradicting_scans"] == 1, "the last tags of case2 agree"
    assert facts["warnings"][0].startswith(
        "1 training scan tagged healthy with 2 slices tagged lesion, first case case1"
    )


def test_labels_outside_their_scan_are_counted(blobs_copy: DatasetFolder, capsys: pytest.CaptureFixture[str]) -> None:
    first, far = (-20.0, -30.0, -100.0), (0.0, 0.0, 999.0)
    stray = [slice_tag("case5", 7, 1), Point(case="case1", seconds=3.0, position=far, label=1)]
    blobs_copy.store.append([*stray, Region(case="case1", seconds=3.0, lower=first, upper=far, label=0)])
    facts = info(capsys, str(blobs_copy.root))
    assert facts["labels_outside"] == 3
    assert facts["warnings"] == [
        "3 labels outside the scan, first case case1: training refuses such labels; undo them in the annotator, or "
        "remove them from labels.jsonl"
    ]


def test_only_headers_are_read_and_a_damaged_image_does_not_hide_the_rest(
    blobs_copy: DatasetFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a whole volume is read")

    monkeypatch.setattr(np, "asanyarray", refused)
    assert info(capsys, str(blobs_copy.root))["labels_outside"] == 0
    monkeypatch.undo()
    image = blobs_copy.root / blobs_copy.split.training[0].image
    image.write_bytes(b"nothing")
    facts = info(capsys, str(blobs_copy.root))
    assert facts["training"] == 4
    assert facts["warnings"] == [
        f"the labels were not checked: {image}: not a readable NIfTI file; export or copy it again"
    ]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([2, 1, 0], "axial, slices feet to head, rows front to back, columns right to left"),
        ([1, 2, 0], "coronal, slices front to back, rows feet to head, columns right to left"),
        ([0, 2, 1], "sagittal, slices right to left, rows feet to head, columns front to back"),
    ],
)
def test_orientation_in_words(axes: list[int], words: str) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, axes]
    assert orientation(Scan(np.zeros((2, 3, 4)), affine, "hu")) == words
    affine[:3, 0] *= -1
    assert words.split(",")[1] not in orientation(Scan(np.zeros((2, 3, 4)), affine, "hu"))


def test_an_oblique_scan_says_by_how_much() -> None:
    tilt = np.deg2rad(10)
    affine = np.array([[0, 0, 1, 0], [-np.sin(tilt), np.cos(tilt), 0, 0], [np.cos(tilt), np.sin(tilt), 0, 0]])
    scan = Scan(np.zeros((2, 3, 4)), np.vstack([affine, [0, 0, 0, 1]]), "hu")
    assert orientation(scan).endswith("turned by up to 10 degrees")
