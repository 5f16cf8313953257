"""A real headless Chromium, what it shows, and a dataset in which every slice can be told by its pixels."""

from __future__ import annotations

import base64
import io
import re
import shutil
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import serving

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import Split
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Retraction
from groundglass.labels.store import LabelStore
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package of that name")
SLOW = 30_000
"""Milliseconds; the machine may be busy."""

SHAPE = (24, 48, 60)
AFFINE = np.array([[0, 0, 0.6, -20], [0, 0.9, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
GROUND_HU = -650
BEACON_HU = 500
CASES = ("first", "second")

LESION = (255, 107, 107)
BACKGROUND = (99, 214, 160)
CROSSHAIR = (92, 200, 255)
ASKED = (255, 209, 102)
WHITE = (255, 255, 255)
TRACK = 30
"""Pixels at the right edge of the canvas that show all slices as a line."""

Voxel = tuple[int, int, int]
Pixels = NDArray[np.int16]


@contextmanager
def chromium(width: int = 1000, height: int = 700) -> Iterator[Any]:
    """A page; at the end nothing may have gone wrong in it, and no other host may have been asked."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(SLOW)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.extend([request.url] if _is_foreign(request.url) else []))
        yield page
        assert errors == []
        browser.close()


def _is_foreign(url: str) -> bool:
    return not url.startswith("http://127.0.0.1:")


def beacons(root: Path) -> Path:
    """Two scans of one grey, with a white block in each slice that is somewhere else in every slice of both."""
    cases = []
    for name in CASES:
        voxels = np.full(SHAPE, GROUND_HU, np.int16)
        for index in range(SHAPE[0]):
            _, row, column = beacon(index, name)
            voxels[index, row - 1 : row + 2, column - 1 : column + 2] = BEACON_HU
        case = Case(case=name, patient=name, image=f"images/{name}.nii.gz", intensity="hu")
        write_nifti(Scan(voxels, AFFINE, "hu"), root / case.image)
        cases.append(case)
    DatasetFolder(root, "beacons", Split(training=tuple(cases), validation=(), test=())).save()
    return root


def beacon(index: int, case: str = "first") -> Voxel:
    """The middle of a slice's white block."""
    column = 7 + 2 * index
    return index, 12 + index, column if case == "first" else SHAPE[2] - column


def voxel(label: Any) -> Voxel:
    """Where a point or slice tag of :func:`beacons` is."""
    d, h, w = np.rint(np.linalg.solve(AFFINE, [*label.position, 1])[:3]).astype(int).tolist()
    return d, h, w


def position(place: Voxel) -> tuple[float, float, float]:
    """A voxel of :func:`beacons` in LPS mm."""
    x, y, z = (AFFINE @ [*place, 1])[:3].round(4).tolist()
    return x, y, z


class Annotating:
    """The page of an annotator of :func:`beacons`, and the label store behind it."""

    def __init__(self, page: Any, store: LabelStore) -> None:
        self.page = page
        self.store = store

    def begin(self, case: str = "first") -> None:
        """As after a reload: the middle slice of a case, nothing selected, free mode, nothing held back, no point."""
        self.page.unroute_all()
        points = [label for label in self.store.read() if isinstance(label, Point)]
        self.store.append(Retraction(case=one.case, seconds=0.0, annotator="anna", target=one.id) for one in points)
        self.page.reload()
        self.page.locator("#where", has_text="Slice").wait_for()
        self.page.locator("#case").select_option(case)
        self.at(SHAPE[0] // 2)
        self.wait()

    def wait(self) -> None:
        """Until what was asked for is on the canvas, and has been for so long that answers are taken."""
        self.page.locator("#stage[aria-busy=false]").wait_for()

    def at(self, index: int) -> None:
        """Wait until the footer names a slice and the canvas can show it."""
        self.page.locator("#where", has_text=re.compile(rf"^Slice {index + 1} of \d+$")).wait_for()
        self.wait()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, place: tuple[float, float], button: str = "left") -> None:
        self.page.mouse.click(*place, button=button)

    def count(self) -> int:
        """Answers the bar tells."""
        found = re.search(r"· (\d+) answers", self.page.locator("#spent").inner_text())
        assert found is not None
        return int(found[1])

    def answer(self, act: Callable[[], object]) -> Label:
        """Do something that is an answer, and the label that came of it."""
        count = self.count()
        self.wait()
        act()
        self.counts(count + 1)
        return self.store.read()[-1]

    def counts(self, answers: int) -> None:
        """Wait until the bar tells so many answers."""
        self.page.locator("#spent", has_text=f"· {answers} answers").wait_for()

    def show_layer(self, key: str, name: str) -> None:
        """Turn on the mask or the heat map, and wait until it has come."""
        with self.page.expect_response(re.compile(r"/slices/\d+/")) as reply:
            self.press(key)
        reply.value.finished()
        self.page.locator("#layers button[aria-pressed=true]", has_text=name).wait_for()

    def until(self, shown: Callable[[], bool]) -> None:
        """Wait until the canvas shows something."""
        end = time.monotonic() + SLOW / 1000
        while not shown():
            assert time.monotonic() < end, "the canvas does not show it"
            self.page.wait_for_timeout(30)

    def refused(self, act: Callable[[], object]) -> str:
        """Do what must not become an answer, and what the page says to it."""
        before, spent = self.store.read(), self.page.locator("#spent").text_content()
        self.page.evaluate("toast.textContent = ''")
        act()
        self.page.wait_for_function("was => toast.textContent || spent.textContent !== was", arg=spent)
        assert self.store.read() == before
        said = str(self.page.locator("#toast").inner_text())
        assert "Not taken" in said
        return said

    def pixels(self) -> Pixels:
        """Red, green and blue of what is on the canvas, without the line of all slices at its right edge."""
        two_frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        url = self.page.evaluate(f"{two_frames}.then(() => document.getElementById('canvas').toDataURL())")
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
            return np.asarray(image.convert("RGB"), np.int16)[:, :-TRACK]

    def alike(self, color: tuple[int, int, int], tolerance: int = 25) -> NDArray[np.bool_]:
        """Where the canvas has about this color."""
        return np.asarray(np.abs(self.pixels() - color).max(axis=2) <= tolerance)

    def middle_of(self, color: tuple[int, int, int]) -> tuple[float, float]:
        """Where on the screen a color is: its middle."""
        rows, columns = np.nonzero(self.alike(color))
        assert len(rows), f"nothing on the canvas has the color {color}"
        box = self.page.locator("#canvas").bounding_box()
        x, y = columns.min() + columns.max() + 1, rows.min() + rows.max() + 1
        return box["x"] + x / 2, box["y"] + y / 2

    def color_at(self, place: tuple[float, float]) -> list[int]:
        """Of a place on the screen."""
        box = self.page.locator("#canvas").bounding_box()
        color: list[int] = self.pixels()[int(place[1] - box["y"]), int(place[0] - box["x"])].tolist()
        return color

    def middle(self) -> tuple[float, float]:
        """Of the canvas, on the screen."""
        box = self.page.locator("#canvas").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def beacon(self) -> tuple[float, float]:
        """Where on the screen the white block is."""
        return self.middle_of(WHITE)


@contextmanager
def annotating(root: Path, *options: str) -> Iterator[Annotating]:
    """Anna's page of :func:`beacons`."""
    with serving(beacons(root), "--annotators", "anna", *options) as (_, links), chromium() as page:
        # Requests can be held from here on: turned on by a test's own route alone, the next one slips through at times.
        page.context.route(re.compile("^nothing$"), lambda route: route.fallback())
        page.goto(links["anna"])
        yield Annotating(page, LabelStore(root / "labels.jsonl"))


class Held:
    """Requests that match a pattern wait here until they are let go; those after that do not wait."""

    def __init__(self, page: Any, pattern: str) -> None:
        self.page = page
        self.waiting: list[Any] = []
        self.open = False
        page.route(re.compile(pattern), self._take)

    def _take(self, route: Any) -> None:
        if self.open:
            route.fallback()
        else:
            self.waiting.append(route)

    def let_go(self) -> None:
        self.open = True
        while self.waiting:
            self.waiting.pop(0).fallback()

    def fail(self) -> None:
        """As if the server were gone, once something has been asked of it."""
        while not self.waiting:
            self.page.wait_for_timeout(20)
        while self.waiting:
            self.waiting.pop(0).abort()


def lose_replies(page: Any, pattern: str) -> list[int]:
    """Requests reach the server, but its replies get lost; one more element for each of them."""
    lost: list[int] = []

    def lose(route: Any) -> None:
        lost.append(route.fetch().status)
        route.abort()

    page.route(re.compile(pattern), lose)
    return lost


def change_summary(page: Any, changes: dict[str, Any]) -> None:
    """Let the server's summary say something else, for what would take long to come about."""

    def answer(route: Any) -> None:
        reply = route.fetch()
        route.fulfill(response=reply, json=reply.json() | changes)

    page.route("**/api/summary", answer)


def close(one: tuple[float, float], other: tuple[float, float], pixels: float = 2) -> bool:
    """Whether two places on the screen are one."""
    return bool(np.hypot(one[0] - other[0], one[1] - other[1]) <= pixels)
