"""Many scans: folders, failures, going on, and names that tell nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass.errors import InputError
from groundglass.prediction.prediction import Prediction
from groundglass.report.batch import Job
from groundglass.report.batch import predict_scans
from groundglass.report.lesion_list import write_lesion_list
from groundglass.scans.nifti import read_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

QUIET = Job(quiet=True)


class Known:
    """A segmenter that knows the phantom; it refuses files called ``bad``, as a real one refuses a broken file."""

    def __init__(self) -> None:
        self.phantom = generate_phantom(2, shape=(12, 48, 48), burden=0.1)
        self.asked: list[str] = []

    def predict(self, path: Path, **_options: Any) -> Prediction:
        self.asked.append(path.name)
        if "bad" in path.name:
            raise InputError(f"{path}: not a chest CT; give one")
        scan = self.phantom.scan
        lesions, lungs = (scan.with_voxels(part, "mask") for part in (self.phantom.lesion_mask, self.phantom.lungs))
        return Prediction(scan, lesions.with_voxels(lesions.voxels.astype(np.uint8)), lungs, "known", 0.5)


@pytest.fixture
def known() -> Any:
    return Known()


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_one_scan_lies_in_the_output_folder_itself(known: Any, tmp_path: Path) -> None:
    scan = touch(tmp_path / "in", "a.nii.gz") / "a.nii.gz"
    outcome = predict_scans([scan], tmp_path / "out", known, QUIET)
    assert outcome.written == [tmp_path / "out" / "report.html"]
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert found == {"lesions.nii.gz", "lungs.nii.gz", "report.html", "report.json", "overlays"}
    mask = read_mask(tmp_path / "out" / "lesions.nii.gz")
    assert np.array_equal(mask.voxels > 0, known.phantom.lesion_mask > 0)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["measurements"]["regions"]["both"]["burden_percent"] == pytest.approx(
        100 * known.phantom.burden, abs=0.01
    )
    assert report["provenance"]["model"] == "known"


def test_a_failure_stops_none_of_the_others(known: Any, tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "bad.nii.gz", "c.nii.gz")
    outcome = predict_scans([folder], tmp_path / "out", known, QUIET)
    assert known.asked == ["a.nii.gz", "bad.nii.gz", "c.nii.gz"]
    assert [path.parent.name for path in outcome.written] == ["a", "c"]
    assert [message.split(": ")[1] for message in outcome.failed] == ["not a chest CT; give one"]
    assert not (tmp_path / "out" / "bad").exists()


def test_finished_scans_are_not_done_again(known: Any, tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "b.nii.gz")
    predict_scans([folder], tmp_path / "out", known, QUIET)
    (tmp_path / "out" / "b" / "report.json").unlink()
    with pytest.raises(InputError, match="exists already; choose another folder, or go on in it with --resume"):
        predict_scans([folder], tmp_path / "out", known, QUIET)
    known.asked.clear()
    outcome = predict_scans([folder], tmp_path / "out", known, Job(quiet=True, resume=True))
    assert known.asked == ["b.nii.gz"]
    assert outcome.skipped == 1


def test_two_files_of_one_name_get_folders_of_their_own(known: Any, tmp_path: Path) -> None:
    folders = [touch(tmp_path / name, "ct.nii.gz") for name in ("one", "two")]
    outcome = predict_scans([folder / "ct.nii.gz" for folder in folders], tmp_path / "out", known, QUIET)
    assert [path.parent.name for path in outcome.written] == ["scan-001", "scan-002"]


def test_8_bit_slices_get_a_picture_and_no_share_of_the_lungs(tmp_path: Path) -> None:
    class Display(Known):
        def predict(self, path: Path, **_options: Any) -> Prediction:
            scan = Scan(np.full((1, 32, 32), 60, np.uint8), np.eye(4), "display")
            lesions = np.zeros(scan.shape, np.uint8)
            lesions[0, 4:8, 4:8] = 1
            return Prediction(scan, scan.with_voxels(lesions, "mask"), None, "known", 0.5, warnings=("small",))

    display: Any = Display()
    scan = touch(tmp_path / "in", "a.png") / "a.png"
    outcome = predict_scans([scan], tmp_path / "out", display, QUIET)
    assert outcome.written == [tmp_path / "out" / "overlays" / "lesions.png"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["lesion_pixels"] == [16]
    assert "no lung mask" in report["warnings"][0]
    assert report["warnings"][1] == "small"


def with_chances() -> Any:
    """A segmenter that finds two lesions of one and of two voxels."""
    phantom = generate_phantom(2, shape=(12, 48, 48))
    scan, lungs = phantom.scan, phantom.scan.with_voxels(phantom.lungs, "mask")
    chances = np.zeros(scan.shape, np.float32)
    chances[4, 24, 14], chances[7, 24, 34:36] = 0.75, (0.8125, 0.9375)
    mask = scan.with_voxels((chances > 0.5).astype(np.uint8), "mask")

    class Sure:
        def predict(self, path: Path, *, probabilities: bool, **_options: Any) -> Prediction:
            return Prediction(scan, mask, lungs, "sure", 0.5, scan.with_voxels(chances) if probabilities else None)

    return Sure(), scan


def test_probabilities_and_the_list_of_lesions_are_written_if_wanted(tmp_path: Path) -> None:
    sure, scan = with_chances()
    path = touch(tmp_path / "in", "a.nii.gz") / "a.nii.gz"
    predict_scans([path], tmp_path / "plain", sure, QUIET)
    assert not {"probabilities.nii.gz", "lesions.csv"} & {one.name for one in (tmp_path / "plain").iterdir()}
    predict_scans([path], tmp_path / "all", sure, Job(quiet=True, probabilities=True, count=True))
    assert read_nifti(tmp_path / "all" / "probabilities.nii.gz")[0][7, 24, 35] == 0.9375
    header, *rows = [line.split(",") for line in (tmp_path / "all" / "lesions.csv").read_text().splitlines()]
    assert header == ["number", "x_mm", "y_mm", "z_mm", "ml", "confidence"]
    assert [row[0] for row in rows] == ["1", "2"]
    assert [float(row[5]) for row in rows] == pytest.approx([0.938, 0.75])
    for row, index in zip(rows, ([7, 24, 35], [4, 24, 14]), strict=True):
        assert [float(value) for value in row[1:4]] == pytest.approx(scan.to_mm(np.array([index]))[0], abs=0.06)
    voxel = float(np.prod(scan.spacing)) / 1000
    assert [float(row[4]) for row in rows] == pytest.approx([2 * voxel, voxel], abs=0.001)


def test_a_list_of_lesions_needs_probabilities(tmp_path: Path) -> None:
    sure, _ = with_chances()
    with pytest.raises(ValueError, match="needs the probabilities"):
        write_lesion_list(sure.predict(tmp_path, probabilities=False), tmp_path / "lesions.csv")
