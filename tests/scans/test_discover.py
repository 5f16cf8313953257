from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.uid import generate_uid

from groundglass.errors import InputError
from groundglass.scans.discover import find_scans
from groundglass.scans.patient_names import names_patient


def write_dicom(path: Path, study: str, name: str = "Doe^Jane", number: str = "PX-77", birth: str = "") -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    content = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    content.StudyInstanceUID, content.PatientName, content.PatientID = study, name, number
    content.PatientBirthDate, content.SpecificCharacterSet = birth, "ISO_IR 192"
    path.parent.mkdir(parents=True, exist_ok=True)
    content.save_as(path, enforce_file_format=True)


def names(path: Path) -> list[str]:
    return [scan.name for scan in find_scans(path)]


def test_a_file_is_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.touch()
    assert find_scans(path) == [path]


def test_volumes_and_folders_of_scans_are_a_collection_in_natural_order(tmp_path: Path) -> None:
    for name in ("b10.nii.gz", "b9.nrrd", "c.zip", ".hidden.nii.gz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    write_dicom(tmp_path / "d" / "0001", generate_uid())
    (tmp_path / "e").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "e" / "1.png")
    assert names(tmp_path) == ["b9.nrrd", "b10.nii.gz", "c.zip", "d", "e"]


def test_a_folder_of_slices_is_one_scan(tmp_path: Path) -> None:
    write_dicom(tmp_path / "dicom" / "0001", generate_uid())
    (tmp_path / "png").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "png" / "1.png")
    assert names(tmp_path / "dicom") == ["dicom"]
    assert names(tmp_path / "png") == ["png"]


def test_series_of_one_study_are_one_scan_and_those_of_two_are_two(tmp_path: Path) -> None:
    study = generate_uid()
    write_dicom(tmp_path / "one" / "series1" / "a.dcm", study)
    write_dicom(tmp_path / "one" / "series2" / "b.dcm", study)
    write_dicom(tmp_path / "two" / "p1" / "s" / "a.dcm", generate_uid())
    write_dicom(tmp_path / "two" / "p2" / "s" / "a.dcm", generate_uid())
    assert names(tmp_path / "one") == ["one"]
    assert names(tmp_path / "two") == ["p1", "p2"]


def test_folders_without_a_study_count_one_by_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dicom(tmp_path / name / "0001.dcm", "")
    assert names(tmp_path) == ["a", "b"]
    (tmp_path / "a" / "0001.dcm").write_bytes(b"broken")
    assert names(tmp_path) == ["a", "b"]


def test_a_folder_without_a_scan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="a folder without a readable scan"):
        find_scans(tmp_path)
    with pytest.raises(InputError, match="there is no such file or folder"):
        find_scans(tmp_path / "nowhere")


def test_volumes_in_folders_of_their_own_are_not_passed_over_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("p1", "p2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ct.nii.gz").touch()
    with pytest.raises(InputError, match=r"its scans lie in folders below it, such as p1; give those folders"):
        find_scans(tmp_path)
    (tmp_path / "own.nii.gz").touch()
    assert find_scans(tmp_path) == [tmp_path / "own.nii.gz"]
    assert "not read are the volumes in folders below it, such as " in caplog.text
    caplog.clear()
    for name in ("p1", "p2"):
        (tmp_path / name / "report.json").touch()
    find_scans(tmp_path)
    assert not caplog.text, "results are no scans"


@pytest.mark.parametrize(
    ("folder", "told"),
    [("doe_jane_2020", True), ("case px-77", True), ("JANE", True), ("scan7", False), ("export", False)],
)
def test_a_name_that_tells_who_the_patient_is_is_noticed(tmp_path: Path, folder: str, told: bool) -> None:
    write_dicom(tmp_path / folder / "0001", generate_uid())
    assert names_patient(tmp_path / folder) is told


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("Mu\u0308ller CT", True),  # as macOS writes it
        ("M\u00dcLLER", True),
        ("muller", True),
        ("geb 03.01.1960", True),
        ("1960-01-03", True),
        ("ct_3_1_60", True),
        ("01-03-1960 thorax", True),
        ("03011960", True),
        ("ct 19600103", True),
        ("\u674e ct", True),
        ("2020-03-01", False),
        ("13.01.1960", False),
        ("ct_3_1_601", False),
    ],
)
def test_accents_and_dates_are_told_however_they_are_written(tmp_path: Path, folder: str, told: bool) -> None:
    write_dicom(tmp_path / folder / "0001", generate_uid(), "M\u00fcller^Hans=\u674e^Hans", "77-1", birth="19600103")
    assert names_patient(tmp_path / folder) is told


def test_what_is_not_dicom_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "doe.nii.gz").write_bytes(b"1234")
    assert not names_patient(tmp_path / "doe.nii.gz")
