"""Where voxels lie, without opening scans, and the agreement that is told by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.grids import Grids
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.labels.simulate import recorded_scan_tag
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan
from groundglass.scans.scan import apply_affine

Answer = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, TestClient]]

BASE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
C, S = np.cos(np.deg2rad(30)), np.sin(np.deg2rad(30))
TURNED = np.array([[C, -S, 0, 0], [S, C, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ BASE
AFFINES = {"straight": BASE, "flipped": BASE * [-1, -1, -1, 1], "sagittal": BASE[:, [2, 1, 0, 3]], "turned": TURNED}


def scan(affine: np.ndarray, shape: tuple[int, int, int] = (4, 48, 48)) -> Scan:
    return Scan(np.full(shape, -800, np.int16), affine, "hu")


@pytest.mark.parametrize("name", AFFINES)
def test_a_header_tells_the_canonical_grid_but_for_its_first_voxel(tmp_path: Path, name: str) -> None:
    (tmp_path / "scans").mkdir()
    path = tmp_path / "scans" / "a.nii.gz"
    write_nifti(scan(AFFINES[name], (4, 20, 24)), path)
    found = Grids(OpenScans(Source(tmp_path / "scans"))).affine("a")
    assert found is not None
    canonical = to_canonical(read_scan(path, intensity="hu")).affine
    np.testing.assert_allclose(found[:3, :3], canonical[:3, :3], atol=1e-5)
    offset = apply_affine(np.linalg.inv(canonical), found[:3, 3][None])
    np.testing.assert_allclose(offset, np.rint(offset), atol=1e-3)


def test_a_header_in_meters_tells_millimeters(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((8, 8, 4), np.int16), np.diag([0.0007, 0.0007, 0.005, 1]))
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "a.nii.gz")
    found = Grids(OpenScans(Source(tmp_path / "a.nii.gz"))).affine("a")
    assert found is not None
    np.testing.assert_allclose(np.linalg.norm(found[:3, :3], axis=0), (5, 0.7, 0.7), rtol=1e-5)


def test_pictures_are_read_in_the_background(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for number in range(2):
            Picture.fromarray(np.full((16, 16), 90 * number, np.uint8)).save(
                tmp_path / "scans" / name / f"{number}.png"
            )
    grids = Grids(OpenScans(Source(tmp_path / "scans")))
    assert [grids.affine(name) for name in ("a", "b")] == [None, None]
    grids.wait()
    for name in ("a", "b"):
        found = grids.affine(name)
        assert found is not None
        np.testing.assert_array_equal(found, to_canonical(read_scan(tmp_path / "scans" / name)).affine)


def test_a_damaged_or_missing_scan_has_no_grid(tmp_path: Path) -> None:
    write_nifti(scan(BASE), tmp_path / "scans" / "a.nii.gz")
    (tmp_path / "scans" / "b.nii.gz").write_bytes(b"junk")
    grids = Grids(OpenScans(Source(tmp_path / "scans")))
    assert grids.affine("a") is not None
    (tmp_path / "scans" / "a.nii.gz").unlink()
    assert [grids.affine(name) for name in ("a", "b", "none")] == [None, None, None]
    grids.wait()
    assert grids.affine("b") is None


def test_a_click_in_a_region_of_a_scan_that_lies_askew_is_a_disagreement(
    tmp_path: Path, log_in: LogIn, answer: Answer
) -> None:
    write_nifti(scan(TURNED), tmp_path / "scans" / "case0.nii.gz")
    annotator = open_annotator(tmp_path / "scans")
    clients = log_in(annotator, "anna", "ben")
    question = annotator.annotation.guide.next("anna")
    assert question is not None
    about = {"kind": "nothing", "slice": question.index, "question": question.key}
    assert clients["anna"].post("/api/answers", json=answer(**about)).status_code == 200
    (top, bottom), (left, right) = question.rows, question.columns
    for row, column in ((top, left), (top, right - 1), (bottom - 1, left), (bottom - 1, right - 1)):
        click = clients["ben"].post("/api/answers", json=answer(slice=question.index, row=row, column=column))
        (pair,) = clients["ben"].get("/api/summary").json()["agreement"]
        assert (pair["with"], pair["regions"], pair["regions_same"]) == ("anna", 1, 0.0)
        assert clients["ben"].post("/api/retract", json={"id": click.json()["id"]}).status_code == 200


def test_the_record_is_nobody_to_agree_with(annotator: Annotator, log_in: LogIn, answer: Answer) -> None:
    annotator.annotation.labels.append(*recorded_scan_tag(1, "case0"))
    client = log_in(annotator, "anna")["anna"]
    client.post("/api/answers", json=answer(kind="scan_tag", label=1))
    assert client.get("/api/summary").json()["agreement"] == []


def test_seconds_spent_do_not_fall_when_an_answer_is_undone(client: TestClient, answer: Answer) -> None:
    client.post("/api/answers", json=answer())
    for act in ("undo", "redo", "undo"):
        client.post(f"/api/{act}", json={})
        assert client.get("/api/summary").json()["seconds"] == 2.5
