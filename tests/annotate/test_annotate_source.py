"""What can be annotated: prepared datasets and plain folders of files."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture

from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.image import Image
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.plain import plain_scans
from groundglass.annotate.plain import prepare_plain
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
FLIPPED = AFFINE * np.array([-1, 1, -1, 1])


def scan(affine: np.ndarray = AFFINE, shape: tuple[int, int, int] = (5, 40, 48), kind: type = np.int16) -> Scan:
    voxels = np.random.default_rng(0).integers(-1000, 200, shape).astype(kind)
    return Scan(voxels, affine, "hu")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A flipped NIfTI, a NIfTI without compression and a folder of pictures."""
    root = tmp_path / "incoming"
    (root / "pictures").mkdir(parents=True)
    write_nifti(scan(FLIPPED), root / "flipped.nii.gz")
    write_nifti(scan(), root / "straight.nii")
    for number in range(3):
        Picture.fromarray(np.full((40, 40), 60 * number + 20, np.uint8)).save(root / "pictures" / f"{number}.png")
    (root / "notes.txt").write_text("not a scan")
    (root / ".hidden.nii").write_text("not a scan")
    return root


def test_files_and_folders_become_cases(plain: Path) -> None:
    assert {name: path.name for name, path in plain_scans(plain).items()} == {
        "flipped": "flipped.nii.gz",
        "pictures": "pictures",
        "straight": "straight.nii",
    }
    assert list(plain_scans(plain / "pictures")) == ["pictures"], "a folder of pictures is one scan"
    assert list(plain_scans(plain / "straight.nii")) == ["straight"]


def test_a_folder_of_dicom_files_is_one_scan(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "IM0001").write_bytes(b"\0" * 128 + b"DICM")
    assert list(plain_scans(folder)) == ["series"]
    assert list(plain_scans(tmp_path)) == ["series"]


def test_a_stray_picture_hides_no_volume(tmp_path: Path) -> None:
    for name in ("case10", "case2"):
        write_nifti(scan(), tmp_path / "scans" / f"{name}.nii.gz")
    Picture.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "scans" / "thumb.png")
    series = tmp_path / "scans" / "series"
    series.mkdir()
    (series / "IM0001").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "scans" / "empty").mkdir()
    source = Source(tmp_path / "scans")
    assert list(source.images) == ["case2", "case10", "series"], "in natural order"
    assert source.notices == ["not offered, as they are no scans by themselves: empty, thumb.png (2 in all)"]


def pictures(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(3):
        Picture.fromarray(np.full((40, 40), 60 * number + 20, np.uint8)).save(folder / f"{number}.png")
    return folder


def test_names_with_dots_stay_apart(tmp_path: Path, answer: Any) -> None:
    """Series are often named by UIDs, and a version of a file is another file."""
    uids = ["1.2.840.10008.1", "1.2.840.10008.2"]
    for uid in uids:
        pictures(tmp_path / "study" / uid)
    assert list(plain_scans(tmp_path / "study")) == uids
    first, second = (open_annotator(tmp_path / "study" / uid, settings=Settings(regions=4)) for uid in uids)
    first.annotation.answer("anna", answer(case=uids[0]))
    assert first.source.work != second.source.work
    assert second.summary("anna")["answers"] == 0
    names = ["scan.nii.gz", "scan.v2.nii.gz"]
    for name in names:
        write_nifti(scan(), tmp_path / "files" / name)
    assert list(plain_scans(tmp_path / "files")) == ["scan", "scan.v2"]
    assert len({Source(tmp_path / "files" / name).work for name in names}) == 2


def test_each_picture_in_a_folder_of_images_is_the_case_that_will_be_trained_on(tmp_path: Path) -> None:
    pictures(tmp_path / "own" / "images")
    assert list(Source(tmp_path / "own").images) == ["0", "1", "2"]
    prepare_plain(tmp_path / "own", tmp_path / "own-groundglass")
    assert list(Source(tmp_path / "own").images) == ["0", "1", "2"]


def test_a_work_folder_of_something_else_is_refused(plain: Path, tmp_path: Path) -> None:
    prepare_plain(plain, tmp_path / "work")
    assert Source(plain, work=tmp_path / "work").is_prepared
    with pytest.raises(InputError, match=r"work: holds a dataset made from incoming, not from pictures; choose"):
        Source(plain / "pictures", work=tmp_path / "work")
    assert Source(tmp_path / "work").name == "incoming", "that dataset by itself"


def test_a_work_folder_with_scans_of_others_is_not_written_into(plain: Path, tmp_path: Path) -> None:
    pictures(tmp_path / "raw" / "images")
    before = sorted((tmp_path / "raw").rglob("*"))
    with pytest.raises(InputError, match="raw: holds images"):
        prepare_plain(plain, tmp_path / "raw")
    assert sorted((tmp_path / "raw").rglob("*")) == before


def test_scans_added_after_the_first_training_are_taken_in(plain: Path, answer: Any) -> None:
    annotator = open_annotator(plain, settings=Settings(regions=4))
    annotator.annotation.answer("anna", answer(case="straight", slice=1, row=10.0, column=7.0))
    prepare_plain(plain, annotator.source.work)
    assert open_annotator(plain).summary("anna")["notices"] == []
    for name in ("later", "last"):
        write_nifti(scan(), plain / f"{name}.nii.gz")
    again = open_annotator(plain, settings=Settings(regions=4))
    assert list(again.source.images) == ["flipped", "last", "later", "pictures", "straight"]
    (notice,) = again.summary("anna")["notices"]
    assert notice.startswith("new since this folder was first trained on: last, later (2 in all); the next 'Train now'")
    assert len(again.annotation.marks("straight")) == 1
    assert not again.source.is_prepared
    with again.source.being_prepared():
        prepare_plain(plain, again.source.work)
        again.annotation.answer("anna", answer(case="later"))  # clicking goes on meanwhile
    assert again.source.is_prepared
    assert again.summary("anna")["notices"] == []
    again.annotation.answer("anna", answer(case="later", row=3.0))
    folder = DatasetFolder.open(again.source.work)
    assert {case.case: len(folder.labels()[case.case]) for case in folder.split.training} == {
        **{"flipped": 0, "pictures": 0, "straight": 1},
        **{"last": 0, "later": 2},
    }
    assert open_annotator(plain).source.is_prepared


def test_a_scan_that_cannot_be_read_is_left_out_of_the_dataset_and_named(plain: Path, answer: Any) -> None:
    write_nifti(scan(), plain / "late.nii.gz")
    annotator = open_annotator(plain, settings=Settings(regions=4))
    (plain / "late.nii.gz").write_bytes(b"nothing")
    annotator.annotation.answer("anna", answer(case="straight", slice=1, row=10.0, column=7.0))
    prepare_plain(plain, annotator.source.work)
    source = Source(plain)
    assert source.is_prepared
    assert list(source.images) == ["flipped", "pictures", "straight"]
    (notice,) = source.notices
    assert notice.startswith("not trained on, as it cannot be read: late (")
    write_nifti(scan(), plain / "late.nii.gz")
    assert Source(plain).new == ["late"], "mended, it may be tried again"
    (plain / "straight.nii").write_bytes(b"nothing")
    with pytest.raises(InputError, match="case straight has answers and cannot be read: mend it"):
        prepare_plain(plain, annotator.source.work)


def test_the_copies_are_opened_when_the_folder_is_gone(plain: Path) -> None:
    prepare_plain(plain, plain.parent / "incoming-groundglass")
    shutil.rmtree(plain)
    assert list(Source(plain).images) == ["flipped", "pictures", "straight"]


def test_a_dataset_that_is_damaged_under_the_server_is_said_until_it_is_mended(dataset: Path) -> None:
    source = Source(dataset)
    content = (dataset / "dataset.json").read_text()
    (dataset / "dataset.json").write_text("{")
    for _ in range(2):
        assert source.has_changed
        with pytest.raises(InputError, match=r"dataset\.json"):
            source.reload()
    (dataset / "dataset.json").write_text(content)
    source.reload()
    assert not source.has_changed


def test_a_folder_that_may_not_be_read_is_said(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("groundglass.annotate.image.plain_scans", refused)
    with pytest.raises(InputError, match=r"incoming: cannot be read \(Permission denied\); check its permissions"):
        Source(plain)


def test_what_holds_no_scan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scan"):
        plain_scans(tmp_path)
    with pytest.raises(InputError, match="there is no such file"):
        plain_scans(tmp_path / "none")
    write_nifti(scan(), tmp_path / "a;b.nii")
    with pytest.raises(InputError, match="cannot name a case"):
        plain_scans(tmp_path)


def test_a_click_on_a_plain_folder_lands_on_its_voxel_and_is_kept_beside_it(plain: Path, answer: Any) -> None:
    annotator = open_annotator(plain, settings=Settings(regions=4))
    annotator.annotation.answer("anna", answer(case="flipped", slice=1, row=10.0, column=7.0))
    store = plain.parent / "incoming-groundglass" / "labels.jsonl"
    assert [path.name for path in plain.iterdir()].count("labels.jsonl") == 0
    position = json.loads(store.read_text())["position"]
    as_read = read_scan(plain / "flipped.nii.gz", intensity="hu")
    index = np.rint(as_read.to_indices(np.array([position]))[0]).astype(int)
    seen = to_canonical(as_read).voxels[1, 10, 7]
    assert as_read.voxels[tuple(index)] == seen
    assert np.frombuffer(annotator.annotation.scans.slice_bytes("flipped", 1), "<i2").reshape(40, 48)[10, 7] == seen


def test_a_plain_folder_is_copied_into_a_dataset_in_which_the_labels_fit(plain: Path, answer: Any) -> None:
    annotator = open_annotator(plain, settings=Settings(regions=4))
    annotator.annotation.answer("anna", answer(case="flipped", slice=1, row=10.0, column=7.0))
    source = annotator.source
    prepare_plain(source.path, source.work)
    folder = DatasetFolder.open(source.work)
    assert [case.case for case in folder.split.training] == ["flipped", "pictures", "straight"]
    (click,) = folder.labels()["flipped"]
    assert isinstance(click, Point)
    copy = folder.scan(folder.split.training[0])
    np.testing.assert_allclose(copy.to_indices(np.array([click.position])), [[1, 10, 7]], atol=1e-3)
    again = open_annotator(plain)
    assert again.source.is_prepared
    assert len(again.annotation.marks("flipped")) == 1


def test_a_dataset_that_points_outside_its_folder_is_refused(dataset: Path) -> None:
    content = json.loads((dataset / "dataset.json").read_text())
    for image in ("../secret.nii.gz", "/etc/passwd"):
        content["training"][0]["image"] = image
        (dataset / "dataset.json").write_text(json.dumps(content))
        with pytest.raises(InputError, match="outside the dataset"):
            Source(dataset)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"regions": 5}, "perfect square"), ({"regions": 0}, "perfect square"), ({"double_read": 2.0}, "from 0 to 1")],
)
def test_senseless_settings_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Settings(**change)


def test_a_missing_run_recipe_or_intensity_is_refused(dataset: Path) -> None:
    with pytest.raises(InputError, match="no such run"):
        open_annotator(dataset, settings=Settings(run="none"))
    with pytest.raises(InputError, match="no such recipe"):
        open_annotator(dataset, settings=Settings(recipe="none"))
    with pytest.raises(InputError, match="give hu or display"):
        open_annotator(dataset, intensity="grey")


def image(path: Path, intensity: Any = "hu") -> Image:
    return Image(case="a", path=path, intensity=intensity)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_slices_are_there_before_the_file_is_read_to_its_end(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    whole = scan()
    whole.voxels[0, 0, 0] = -3024  # padding
    write_nifti(whole, path)
    hold = threading.Event()
    go_on = OpenScan._advance

    def advance(opened: OpenScan, count: int) -> None:
        go_on(opened, count)
        if count == 2:
            hold.wait(10)

    monkeypatch.setattr(OpenScan, "_advance", advance)
    opened = OpenScan(image(path))
    np.testing.assert_array_equal(opened.voxels(0, 2), whole.voxels[:2].clip(-1024))
    assert opened._count == 2
    hold.set()
    np.testing.assert_array_equal(opened.voxels(0, 5), whole.voxels.clip(-1024))
    assert opened.slab(4).shape == (1, 40, 48)


@pytest.mark.parametrize("affine", [FLIPPED, AFFINE[:, [1, 0, 2, 3]]])
def test_other_orientations_and_types_are_read_whole(affine: np.ndarray, tmp_path: Path) -> None:
    write_nifti(scan(affine), tmp_path / "a.nii.gz")
    write_nifti(scan(kind=np.float32), tmp_path / "float.nii.gz")
    for name in ("a", "float"):
        opened = OpenScan(image(tmp_path / f"{name}.nii.gz", None))
        expected = to_canonical(read_scan(tmp_path / f"{name}.nii.gz"))
        np.testing.assert_array_equal(opened.voxels(0, expected.shape[0]), expected.voxels)
        np.testing.assert_allclose(opened.scan.affine, expected.affine)


def test_units_of_a_file_that_is_read_bit_by_bit_are_heard(tmp_path: Path) -> None:
    path = tmp_path / "metres.nii.gz"
    write_nifti(scan(), path)
    image_mm: Any = nibabel.load(path)  # type: ignore[attr-defined]
    in_metres = nibabel.Nifti1Image(np.asarray(image_mm.dataobj), np.diag([1e-3, 1e-3, 1e-3, 1]) @ image_mm.affine)
    in_metres.header.set_xyzt_units("meter")
    nibabel.save(in_metres, path)  # type: ignore[attr-defined]
    opened = OpenScan(image(path))
    np.testing.assert_allclose(opened.scan.affine, AFFINE, atol=1e-4)
    np.testing.assert_allclose(opened.scan.affine, read_scan(path).affine)


def test_a_file_cut_off_is_said_at_the_slice_that_is_missing(tmp_path: Path) -> None:
    whole = scan(shape=(30, 40, 48))
    write_nifti(whole, tmp_path / "whole.nii")
    content = (tmp_path / "whole.nii").read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content[: len(content) // 2]))
    opened = OpenScan(image(tmp_path / "a.nii.gz"))
    with pytest.raises(InputError, match=r"a\.nii\.gz: damaged or not complete"):
        opened.voxels(0, 30)


def test_a_damaged_file_is_said_when_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"not gzip")
    with pytest.raises(InputError, match="not a readable NIfTI"):
        OpenScan(image(tmp_path / "a.nii.gz"))


def test_float_scans_are_rounded_into_16_bits(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    nibabel.save(  # type: ignore[attr-defined]
        nibabel.Nifti1Image(
            np.full((4, 4, 2), 1e6, np.float32) - 2e6 * np.eye(4, dtype=np.float32)[..., None], np.eye(4)
        ),
        tmp_path / "scans" / "a.nii",
    )
    scans = OpenScans(Source(tmp_path / "scans", intensity="hu"))
    values = np.frombuffer(scans.slice_bytes("a", 0), "<i2")
    assert set(values.tolist()) == {-1024, 32767}
