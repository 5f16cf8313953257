"""Many scans: folders, failures, going on, and names that tell nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import ClassVar

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.uid import generate_uid

from groundglass.errors import InputError
from groundglass.prediction.prediction import Prediction
from groundglass.report.batch import predict_scans
from groundglass.report.job import Job
from groundglass.report.lesion_list import write_lesion_list
from groundglass.scans.nifti import read_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

QUIET = Job(quiet=True)
RESUME = Job(quiet=True, resume=True)


class Known:
    """A segmenter that knows the phantom; it refuses files called ``bad``, as a real one refuses a broken file."""

    def __init__(self) -> None:
        self.phantom = generate_phantom(2, shape=(12, 48, 48), burden=0.1)
        self.asked: list[str] = []
        self.settings: dict[str, Any] = {"checkpoint": "1234", "threshold": 0.5}

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
    """Files of a folder, each with its own path as its content."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(str(folder / name))
    return folder


def dicom(path: Path, name: str) -> Path:
    """A DICOM file of a patient."""
    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content.file_meta.MediaStorageSOPClassUID = CTImageStorage
    content.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    content.PatientName, content.PatientID = name, path.stem
    path.parent.mkdir(exist_ok=True)
    content.save_as(path, enforce_file_format=True)
    return path


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
    names = [path.parent.name for path in outcome.written]
    assert len(set(names)) == 2
    assert all(re.fullmatch("scan-[0-9a-f]{8}", name) for name in names)


def test_results_among_the_scans_are_no_scans(known: Any, tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "b.nii.gz")
    predict_scans([folder], folder / "out", known, QUIET)
    dicom(folder / "out" / "seg.dcm", "Doe^Jane")
    outcome = predict_scans([folder], folder / "out", known, RESUME)
    assert (outcome.skipped, outcome.failed) == (2, [])


def test_results_never_lie_inside_the_scan_they_are_of(known: Any, tmp_path: Path) -> None:
    dicom(tmp_path / "in" / "1.dcm", "Doe^Jane")
    with pytest.raises(InputError, match=r"results: lies inside the scan .*in; choose a folder elsewhere"):
        predict_scans([tmp_path / "in"], tmp_path / "in" / "results", known, QUIET)
    assert not known.asked


def test_a_disk_without_room_is_said_before_anything_is_predicted(
    known: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = touch(tmp_path / "in", "a.nii.gz") / "a.nii.gz"

    def full(**_options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("groundglass.files.tempfile.TemporaryFile", full)
    with pytest.raises(InputError, match=r"out: cannot be written to \(No space left on device\); make room"):
        predict_scans([scan], tmp_path / "out", known, QUIET)
    assert not known.asked


def test_copies_of_one_file_get_folders_of_their_own(known: Any, tmp_path: Path) -> None:
    scans = [touch(tmp_path / name) / "ct.nii.gz" for name in ("one", "two")]
    for scan in scans:
        scan.write_text("the same")
    first, second = (path.parent.name for path in predict_scans(scans, tmp_path / "out", known, QUIET).written)
    assert second == f"{first}-2"


def test_a_made_up_name_stays_with_its_scan_and_is_no_other_s(known: Any, tmp_path: Path) -> None:
    second = dicom(tmp_path / "in" / "smith.dcm", "Smith^Jane")
    third = dicom(tmp_path / "in" / "zorn.dcm", "Zorn^Max")
    before = predict_scans([second, third], tmp_path / "out", known, QUIET).written
    content = {path: path.read_bytes() for path in before}
    first = dicom(tmp_path / "in" / "doe.dcm", "Doe^John")
    own = before[0].parent.name
    real = touch(tmp_path / "real", f"{own}.nii.gz", "scan-001.nii.gz")
    known.asked.clear()
    outcome = predict_scans(
        [tmp_path / "in" / "doe.dcm", second, third, real / "scan-001.nii.gz"], tmp_path / "out", known, RESUME
    )
    assert known.asked == [first.name, "scan-001.nii.gz"]
    assert outcome.skipped == 2
    assert not {path.parent for path in outcome.written} & {path.parent for path in before}
    assert all(path.read_bytes() == content[path] for path in before)
    with pytest.raises(InputError, match=f"{own}: holds a result that differs in scan from"):
        predict_scans([real], tmp_path / "out", known, RESUME)


def test_what_was_made_from_something_else_is_refused(known: Any, tmp_path: Path) -> None:
    scans, out = touch(tmp_path / "in", "a.nii.gz", "b.nii.gz"), tmp_path / "out"
    predict_scans([scans / "a.nii.gz"], out, known, QUIET)
    before = (out / "report.json").read_text()
    assert str(scans) not in before
    assert predict_scans([scans / "a.nii.gz"], out, known, RESUME).skipped == 1
    with pytest.raises(InputError, match="differs in scan from what is asked for; choose another output folder"):
        predict_scans([scans / "b.nii.gz"], out, known, RESUME)
    with pytest.raises(InputError, match="out: holds a result that differs in count"):
        predict_scans([scans / "a.nii.gz"], out, known, replace(RESUME, count=True))
    known.settings |= {"checkpoint": "5678", "threshold": 0.3}
    with pytest.raises(InputError, match="out: holds a result that differs in checkpoint, threshold"):
        predict_scans([scans / "a.nii.gz"], out, known, RESUME)
    assert (out / "report.json").read_text() == before
    (out / "report.json").write_text("{}")
    with pytest.raises(InputError, match="out: holds a result that does not tell what it was made from"):
        predict_scans([scans / "a.nii.gz"], out, known, RESUME)


def test_nothing_of_an_unfinished_scan_stands_beside_another(known: Any, tmp_path: Path) -> None:
    scan, out = touch(tmp_path / "in", "a.nii.gz") / "a.nii.gz", touch(tmp_path / "out", "lesions.csv", "own.txt")
    predict_scans([scan], out, known, RESUME)
    assert not (out / "lesions.csv").exists()
    assert (out / "own.txt").exists()


def test_what_cannot_be_found_stops_none_of_the_others(known: Any, tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "b.zip")
    (tmp_path / "empty").mkdir()
    asked = [tmp_path / "nowhere", folder / "b.zip", tmp_path / "empty", folder / "a.nii.gz"]
    outcome = predict_scans(asked, tmp_path / "out", known, QUIET)
    assert [path.parent.name for path in outcome.written] == ["a"]
    words = ("there is no such file", "a folder without a readable scan", "not a readable zip archive")
    assert len(outcome.failed) == len(words)
    assert all(word in said for word, said in zip(words, outcome.failed, strict=True))
    with pytest.raises(InputError, match="is one mask; give a folder"):
        predict_scans(asked, tmp_path / "masks", known, replace(QUIET, lungs=folder / "a.nii.gz"))


def test_a_scan_that_may_not_be_read_stops_none_of_the_others(
    known: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "c.nii.gz")
    shut, plain = touch(folder / "b", "1.dcm") / "1.dcm", Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path in (shut, folder / "c.nii.gz"):
            raise PermissionError(13, "Permission denied")
        return plain(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    outcome = predict_scans([folder], tmp_path / "out", known, QUIET)
    assert [path.parent.name for path in outcome.written] == ["a"]
    assert len(outcome.failed) == 2
    assert all("cannot be read (Permission denied)" in said for said in outcome.failed)


@pytest.mark.parametrize("job", [QUIET, RESUME])
@pytest.mark.parametrize("output", ["afile", "afile/below"])
def test_a_file_is_no_output_folder(known: Any, tmp_path: Path, job: Job, output: str) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz")
    touch(tmp_path, "afile")
    with pytest.raises(InputError, match="afile: is a file; choose a folder for the results"):
        predict_scans([folder], tmp_path / output, known, job)
    assert known.asked == []


def test_a_file_where_a_scan_s_folder_should_be_is_one_sentence(known: Any, tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.nii.gz", "b.nii.gz")
    outcome = predict_scans([folder], touch(tmp_path / "out", "a"), known, RESUME)
    assert [path.parent.name for path in outcome.written] == ["b"]
    assert "a: cannot be written to" in outcome.failed[0]


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
        settings: ClassVar[dict[str, Any]] = {}

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


def test_the_list_of_8_bit_slices_without_lungs_is_in_pixels(tmp_path: Path) -> None:
    sure, _ = with_chances()
    found = replace(sure.predict(tmp_path, probabilities=True), lungs=None)
    assert write_lesion_list(found, tmp_path / "lesions.csv") == 2
    assert (tmp_path / "lesions.csv").read_text().splitlines() == [
        "number,slice,row,column,pixels,confidence",
        "1,7,24,35,2,0.938",
        "2,4,24,14,1,0.750",
    ]


def test_a_list_of_lesions_needs_probabilities(tmp_path: Path) -> None:
    sure, _ = with_chances()
    with pytest.raises(ValueError, match="needs the probabilities"):
        write_lesion_list(sure.predict(tmp_path, probabilities=False), tmp_path / "lesions.csv")
