"""How quickly the annotator answers with a long scan open: clicks over HTTP, and the first slice in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import Split
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan

CASE = "long"
NOISE_HU = 20
BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def annotator_speed(*, slices: int = 300, side: int = 512, clicks: int = 300) -> dict[str, Any]:
    """Measure a server in a process of its own, over the loopback interface.

    Args:
        slices: Slices of the scan, which is noise in an elliptic body.
        side: Rows and columns.
        clicks: Lesion clicks given, one after the other.

    Returns:
        ``click_ms_p95`` and ``click_ms_median``: from sending a click to its acknowledgment, which comes when it is on
        the disk. ``first_slice_seconds``: from opening the link to the middle slice drawn in Chromium; ``None`` where
        playwright or Chromium is not installed.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder) / "scans"
        make_long_scan(root, slices, side)
        first = _first_slice(root)
        with _serving(root) as link:
            milliseconds = click_times(link, clicks, slices, side)
    return {
        "click_ms_p95": round(float(np.percentile(milliseconds, 95)), 1),
        "click_ms_median": round(float(np.median(milliseconds)), 1),
        "clicks": clicks,
        "first_slice_seconds": None if first is None else round(first, 2),
        "scan": [slices, side, side],
    }


def make_long_scan(root: Path, slices: int, side: int) -> DatasetFolder:
    """A prepared dataset of one CT ``(slices, side, side)``."""
    rng = np.random.default_rng(0)
    rows, columns = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    body = np.where(np.hypot(rows / 0.3, columns / 0.42) < 1, -100, -1000)
    voxels = np.empty((slices, side, side), np.int16)
    for plane in voxels:
        plane[:] = body + NOISE_HU * rng.standard_normal((side, side), np.float32)
    image = f"images/{CASE}.nii.gz"
    affine = np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
    write_nifti(Scan(voxels.clip(-1000), affine, "hu"), root / image)
    case = Case(case=CASE, patient=CASE, image=image, intensity="hu")
    made = DatasetFolder(root, CASE, Split(training=(case,), validation=(), test=()))
    made.save()
    return made


def click_times(link: str, clicks: int, slices: int, side: int) -> list[float]:
    """Milliseconds from each click to its acknowledgment, with the whole scan open."""
    where = urlsplit(link)
    connection = HTTPConnection(where.netloc)
    connection.request("GET", f"{where.path}?{where.query}")
    reply = connection.getresponse()
    reply.read()
    headers = {"Cookie": reply.headers["Set-Cookie"].partition(";")[0], "Origin": f"http://{where.netloc}"}
    _ask(connection, "GET", f"/api/cases/{CASE}/slices/{slices - 1}", headers)  # when the last slice is there, all are
    rng = np.random.default_rng(0)
    found = []
    for number in range(clicks):  # each somewhere else: a click on a click is none
        place = {"slice": int(rng.integers(slices)), "row": float(rng.integers(side)), "column": float(number % side)}
        body = {"kind": "point", "case": CASE, "label": 1, "seconds": 3.0, "id": uuid.uuid4().hex} | place
        started = time.perf_counter()
        _ask(connection, "POST", "/api/answers", headers, body)
        found.append(1000 * (time.perf_counter() - started))
    connection.close()
    return found


def _ask(connection: HTTPConnection, verb: str, path: str, headers: dict[str, str], body: Any = None) -> bytes:
    given = headers if body is None else headers | {"Content-Type": "application/json"}
    connection.request(verb, path, None if body is None else json.dumps(body), given)
    reply = connection.getresponse()
    content = reply.read()
    if reply.status != 200:
        raise RuntimeError(f"{verb} {path}: {reply.status} {content[:200]!r}")
    return content


@contextmanager
def _serving(root: Path) -> Iterator[str]:
    """The link of a server as the command line starts it; it is stopped at the end."""
    command = [sys.executable, "-m", "groundglass", "annotate", str(root), "--no-browser", "--annotators", "bench"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition(": ")[2].strip()
        finally:
            process.kill()


def _first_slice(root: Path) -> float | None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=browser, args=BROWSER) as started:
        page = started.new_page()
        with _serving(root) as link:
            begin = time.perf_counter()
            page.goto(link)
            page.locator("#where", has_text="Slice").wait_for()  # written when the slice has been drawn
            return time.perf_counter() - begin
