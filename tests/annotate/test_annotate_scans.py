"""The scans people have open: how many, of which version, and who waits for whom."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.image import Image
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.annotate.stamp import stamp
from groundglass.errors import InputError
from groundglass.scans.nifti import write_nifti
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

Answer = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, TestClient]]


def replace_image(dataset: Path, case: str, slices: int = 2) -> None:
    """Another image of the same name, as old as can be."""
    path = dataset / "images" / f"{case}.nii.gz"
    scan = read_scan(path, intensity="hu")
    write_nifti(Scan(scan.voxels[:slices, ::-1].copy(), scan.affine, "hu"), path)
    os.utime(path, (1, 1))


def test_only_a_few_scans_stay_in_memory(dataset: Path) -> None:
    scans = OpenScans(Source(dataset), keep=2)
    first = scans.get("case0")
    assert scans.get("case0") is first
    for name in ("case1", "case2"):
        scans.get(name)
    assert list(scans._open) == ["case1", "case2"]
    assert scans.get("case0") is not first


def test_a_scan_that_changed_is_read_again(dataset: Path) -> None:
    scans = OpenScans(Source(dataset))
    first = scans.get("case0")
    os.utime(dataset / "images" / "case0.nii.gz", (1, 1))
    assert scans.get("case0") is not first


def test_where_the_voxels_lie_is_known_without_opening_the_scan_again(dataset: Path) -> None:
    scans = OpenScans(Source(dataset), keep=1)
    affine = scans.get("case0").scan.affine
    scans.get("case1")
    grid = scans.grid("case0")
    assert grid.shape == (2, 48, 48)
    assert np.array_equal(grid.affine, affine)
    assert list(scans._open) == ["case1"]
    replace_image(dataset, "case0", slices=1)
    assert scans.grid("case0").shape == (1, 48, 48)


def test_a_scan_borrowed_for_the_background_closes_none_that_is_open(dataset: Path) -> None:
    scans = OpenScans(Source(dataset), keep=2)
    opened = [scans.get(name) for name in ("case0", "case1")]
    assert scans.borrow("case2").scan.shape == (2, 48, 48)
    assert scans.borrow("case0") is opened[0]
    assert list(scans._open) == ["case0", "case1"]
    os.utime(dataset / "images" / "case0.nii.gz", (1, 1))
    assert scans.borrow("case0") is not opened[0]
    assert list(scans._open.values()) == opened


class SlowDisk:
    """Scans of one case take until they are let go."""

    def __init__(self, case: str) -> None:
        self.case = case
        self.began, self.go_on = threading.Event(), threading.Event()
        self.times = 0

    def open(self, image: Image) -> OpenScan:
        if image.case == self.case:
            self.times += 1
            self.began.set()
            assert self.go_on.wait(60)
        return OpenScan(image)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk("case1")
    monkeypatch.setattr("groundglass.annotate.scans.OpenScan", disk.open)
    yield disk
    disk.go_on.set()


@pytest.mark.timeout(100)
def test_whoever_opens_a_scan_holds_up_nobody_else(
    annotator: Annotator, log_in: LogIn, answer: Answer, slow: SlowDisk
) -> None:
    clients = log_in(annotator, "anna", "ben")
    clients["anna"].get("/api/cases/case0")
    with ThreadPoolExecutor() as others:
        opening = [others.submit(clients["ben"].get, "/api/cases/case1") for _ in range(2)]
        assert slow.began.wait(60)
        started = time.monotonic()
        for path in ("/api/cases/case0", "/api/cases/case0/slices/1", "/api/cases/case2", "/api/summary"):
            assert clients["anna"].get(path).status_code == 200
        assert clients["anna"].post("/api/answers", json=answer()).status_code == 200
        assert clients["anna"].post("/api/undo", json={}).status_code == 200
        assert time.monotonic() - started < 50, "nothing waited for the event"
        assert not any(one.done() for one in opening)
        slow.go_on.set()
        assert [one.result(60).status_code for one in opening] == [200, 200]
    assert slow.times == 1, "two people who open one scan wait for one reading of it"


@pytest.mark.timeout(100)
def test_what_is_read_in_the_background_holds_up_nobody(dataset: Path, slow: SlowDisk) -> None:
    scans = OpenScans(Source(dataset))
    scans.get("case0")
    with ThreadPoolExecutor() as others:
        borrowed = others.submit(scans.borrow, "case1")
        assert slow.began.wait(60)
        scans.check("case0")
        scans.get("case2")
        assert not borrowed.done()
        slow.go_on.set()
        borrowed.result(60)
    assert list(scans._open) == ["case0", "case2"]


def test_a_page_that_shows_an_image_that_was_replaced_stores_no_answer(
    client: TestClient, dataset: Path, answer: Answer
) -> None:
    before = client.get("/api/cases/case0").json()["version"]
    assert client.get("/api/cases/case0/slices/0").status_code == 200
    replace_image(dataset, "case0")
    client.post("/api/question", json={})  # which may read the new one
    for path in ("slices/1", "slices/0", "slices/0/probability", f"slices/1?version={before}"):
        reply = client.get(f"/api/cases/case0/{path}")
        assert reply.status_code == 400
        assert "case0 has changed on the disk; reload the page" in reply.json()["error"]
    for body in (answer(), answer(version=before), answer(kind="slice_tag")):
        assert "has changed on the disk" in client.post("/api/answers", json=body).json()["error"]
    assert not (dataset / "labels.jsonl").exists()
    after = client.get("/api/cases/case0").json()["version"]
    assert after != before
    assert client.get(f"/api/cases/case0/slices/0?version={after}").status_code == 200
    assert client.post("/api/answers", json=answer(version=after)).status_code == 200
    assert client.post("/api/answers", json=answer(row=9.0)).status_code == 200


def test_an_answer_about_another_version_than_the_file_is_refused_whoever_opened_that(
    annotator: Annotator, log_in: LogIn, dataset: Path, answer: Answer
) -> None:
    clients = log_in(annotator, "anna", "ben")
    seen = clients["anna"].get("/api/cases/case0").json()["version"]
    replace_image(dataset, "case0")
    assert clients["ben"].get("/api/cases/case0").json()["version"] != seen
    reply = clients["anna"].post("/api/answers", json=answer(version=seen))
    assert (reply.status_code, "has changed on the disk" in reply.json()["error"]) == (400, True)
    assert clients["anna"].get(f"/api/cases/case0/slices/0?version={seen}").status_code == 400
    for version in (7, "", ["x"]):
        assert clients["anna"].post("/api/answers", json=answer(version=version)).status_code == 400
    assert not (dataset / "labels.jsonl").exists()


def test_pictures_overwritten_in_place_are_noticed(tmp_path: Path, log_in: LogIn, answer: Answer) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    for number in range(3):
        Picture.fromarray(np.full((40, 40), 60 * number + 20, np.uint8)).save(folder / f"{number}.png")
    client = log_in(open_annotator(folder, settings=Settings(regions=4)), "anna")["anna"]
    client.get("/api/cases/series")
    folder_time = folder.stat().st_mtime_ns
    Picture.fromarray(np.full((40, 40), 250, np.uint8)).save(folder / "1.png")
    assert folder.stat().st_mtime_ns == folder_time, "the folder's own time says nothing"
    reply = client.post("/api/answers", json=answer(case="series"))
    assert "series has changed on the disk" in reply.json()["error"]
    client.get("/api/cases/series")
    assert client.get("/api/cases/series/slices/1").content[:2] == b"\xfa\x00"


def test_a_folders_stamp_is_that_of_all_files_below_it(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "IM1").write_bytes(b"1")
    (folder / "nowhere").symlink_to(tmp_path / "none")
    seen = [stamp(folder)]
    (folder / ".DS_Store").write_bytes(b"x")
    assert stamp(folder) == seen[0]
    (folder / "inner" / "IM1").write_bytes(b"22")
    seen.append(stamp(folder))
    (folder / "inner" / "IM2").write_bytes(b"1")
    seen.append(stamp(folder))
    (folder / "inner" / "IM2").rename(folder / "inner" / "IM3")
    seen.append(stamp(folder))
    assert len(set(seen)) == 4
    with pytest.raises(InputError, match="gone: is no longer there"):
        stamp(tmp_path / "gone")


def test_an_unreadable_scan_is_named_without_the_folders_it_lies_in(client: TestClient, dataset: Path) -> None:
    (dataset / "images" / "case0.nii.gz").write_bytes(b"junk")
    reply = client.get("/api/cases/case0")
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("case0.nii.gz: not a readable NIfTI")


def test_there_is_no_waiting_for_slices_that_will_never_come(dataset: Path) -> None:
    opened = OpenScan(Source(dataset).images["case0"])
    with pytest.raises(InputError, match="case case0 has no slice 2; it has 2"):
        opened.voxels(2, 3)
