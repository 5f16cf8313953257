from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_dicom
from tiny_files import write_volume

from groundglass.datasets.catalog.decathlon import DecathlonDatalist
from groundglass.datasets.catalog.nnunet import NnUNetRaw
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError

EACH = "counts as another patient; if some are of one patient, write patients.csv (columns case,patient), or they can"


def write_dicom_case(root: Path, name: str, patient: str | None) -> None:
    """Two slices, with a mask."""
    tags = {} if patient is None else {"PatientID": patient}
    for z in range(2):
        stored = (hu(z)[z].astype(int) + 1024).astype(np.uint16)
        write_dicom(root / f"images/{name}/{z}", stored, 5.0 * z - 100, **tags)
    write_volume(root / f"masks/{name}.nii.gz", lesion()[:2])


def patients(layout: PairedFolders | NnUNetRaw | DecathlonDatalist) -> dict[str, str]:
    return {source.case: source.patient for source in layout.sources()}


def test_dicom_scans_of_one_patient_stay_on_one_side_and_nobody_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = {"a": "MUELLER-4711", "b": "77", "c": "MUELLER-4711", "d": "78", "e": "MUELLER-4711"}
    for name, one in ids.items():
        write_dicom_case(tmp_path / "raw", name, one)
    folder = prepare(PairedFolders(tmp_path / "raw"), tmp_path / "set", name="f")
    split = DatasetFolder.open(folder.root).split
    found = {case.case: case.patient for part in (split.training, split.validation, split.test) for case in part}
    assert found == {"a": "a", "b": "b", "c": "a", "d": "d", "e": "a"}
    assert not caplog.messages
    assert "4711" not in (folder.root / "dataset.json").read_text()


def test_a_dicom_scan_without_an_id_counts_as_a_patient_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, one in {"a": "x", "b": "", "c": None, "d": "x", "e": "y"}.items():
        write_dicom_case(tmp_path, name, one)
    assert patients(PairedFolders(tmp_path)) == {"a": "a", "b": "b", "c": "c", "d": "a", "e": "e"}
    assert len(caplog.messages) == 1
    assert f"no patients.csv: each of the 2 images of which no patient is known {EACH}" in caplog.text


def test_a_table_is_believed_before_the_headers(tmp_path: Path) -> None:
    for name in "abc":
        write_dicom_case(tmp_path, name, "ANONYMOUS")
    (tmp_path / "patients.csv").write_text("case,patient\na,p\nb,q\nc,p\n")
    assert patients(PairedFolders(tmp_path)) == {"a": "p", "b": "q", "c": "p"}


def test_one_id_for_everybody_is_said_before_it_cannot_be_split(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "abcd":
        write_dicom_case(tmp_path / "raw", name, "ANONYMOUS")
    with pytest.raises(InputError, match=r"1 patient\(s\) cannot be split"):
        prepare(PairedFolders(tmp_path / "raw"), tmp_path / "set", name="f")
    says = "raw: by their PatientID the 4 images are of 1 patient; if they are of more, write patients.csv (columns"
    assert says in caplog.text
    assert "ANONYMOUS" not in caplog.text


def test_what_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    write_dicom_case(tmp_path, "a", "x")
    (tmp_path / "images/b").mkdir()
    (tmp_path / "images/b/broken.dcm").write_bytes(b"nothing")
    (tmp_path / "images/c.zip").write_bytes(b"nothing")
    for name in "bc":
        write_volume(tmp_path / f"masks/{name}.nii.gz", lesion()[:2])
    assert patients(PairedFolders(tmp_path)) == {"a": "a", "b": "b", "c": "c"}


def test_patients_nobody_knows_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in "abc":
        write_volume(tmp_path / f"raw/images/{name}.nii.gz", hu())
        write_volume(tmp_path / f"raw/masks/{name}.nii.gz", lesion())
    prepare(PairedFolders(tmp_path / "raw"), tmp_path / "set", name="f")
    assert [EACH in message for message in caplog.messages] == [True]
    assert caplog.messages[0].startswith(f"{tmp_path / 'raw'}: no patients.csv: each of the 3 images counts")


@pytest.mark.parametrize("without", ["b.nii.gz", "masks", "table"])
def test_there_is_nothing_to_say_of_one_image_without_masks_or_with_a_table(
    tmp_path: Path, without: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "ab":
        write_volume(tmp_path / f"images/{name}.nii.gz", hu())
        write_volume(tmp_path / f"masks/{name}.nii.gz", lesion())
    if without == "table":
        (tmp_path / "patients.csv").write_text("case,patient\na,p\nb,p\n")
    else:
        for path in tmp_path.rglob(without):
            path.unlink() if path.is_file() else path.rename(tmp_path / "elsewhere")
    assert patients(PairedFolders(tmp_path))
    assert not caplog.messages


def test_nnunet_takes_the_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in "abcd":
        write_volume(tmp_path / f"imagesTr/{name}_0000.nii.gz", hu())
        write_volume(tmp_path / f"labelsTr/{name}.nii.gz", lesion())
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "lesion": 1}}))
    assert patients(NnUNetRaw(tmp_path)) == {name: name for name in "abcd"}
    assert f"each of the 4 images {EACH}" in caplog.text
    caplog.clear()
    (tmp_path / "patients.csv").write_text("case,patient\na,p\nb_0000.nii.gz,p\nc,q\nd,r\n")
    assert patients(NnUNetRaw(tmp_path)) == {"a": "p", "b": "p", "c": "q", "d": "r"}
    assert not caplog.messages


def test_a_datalist_takes_its_own_patients_and_the_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entries = [{"image": f"{name}.nii.gz", "label": f"{name}-mask.nii.gz"} for name in "abcd"]
    for entry in entries[:2]:
        entry["patient"] = "p"
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries}))
    assert patients(DecathlonDatalist(tmp_path)) == {"a": "p", "b": "p", "c": "c", "d": "d"}
    assert f"each of the 2 images of which no patient is known {EACH}" in caplog.text
    caplog.clear()
    (tmp_path / "patients.csv").write_text("case,patient\na,p\nb,q\nc,r\nd,r\n")
    assert patients(DecathlonDatalist(tmp_path)) == {"a": "p", "b": "q", "c": "r", "d": "r"}
    listed = {"training": entries[:2], "validation": entries[2:3], "test": entries[3:]}
    (tmp_path / "dataset.json").write_text(json.dumps(listed))
    (tmp_path / "patients.csv").unlink()
    DecathlonDatalist(tmp_path).sources()
    assert not caplog.messages, "the list says who is held out"
