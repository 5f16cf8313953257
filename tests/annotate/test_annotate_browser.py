"""The page in a real headless Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving import serving

from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.labels.events import Point
from groundglass.labels.store import LabelStore

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZE = 96
SLOW = 60_000
TRAINING = 400_000
"""Milliseconds; a training has a low priority, so a busy machine takes its time."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package of that name")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("phantoms") / "phantoms"
    prepare(PhantomSet(count=3, shape=(24, SIZE, SIZE), seed=5), root, name="phantoms")
    return root


@pytest.fixture
def page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 860})
        page.set_default_timeout(SLOW)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: _only_local(page, request.url))
        yield page
        assert page.errors == []
        browser.close()


def _only_local(page: Any, url: str) -> None:
    if not url.startswith("http://127.0.0.1:"):
        page.errors.append(f"asked another host: {url}")


def picture(page: Any, name: str) -> None:
    """A screenshot for the documentation, where a folder for it is named."""
    if folder := os.environ.get("GROUNDGLASS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"annotate-{name}.png")


def shown(page: Any, text: str) -> None:
    """Wait for a text in the page."""
    page.get_by_text(text).first.wait_for()


def slice_number(page: Any) -> int:
    return int(re.findall(r"\d+", page.locator("#where").inner_text())[0]) - 1


def go_to(page: Any, index: int) -> None:
    while (now := slice_number(page)) != index:
        page.keyboard.press("ArrowUp" if index > now else "ArrowDown")
        page.locator("#where", has_text=f"Slice {now + 1 + (1 if index > now else -1)} of").wait_for()


def lesions(root: Path, count: int) -> list[tuple[int, int, int]]:
    """Voxels ``(d, h, w)`` of lesions of the first scan, slice by slice, well apart."""
    folder = DatasetFolder.open(root)
    mask = folder.mask(folder.split.training[0])
    assert mask is not None
    voxels = np.argwhere(mask.voxels)
    chosen = voxels[np.linspace(0, len(voxels) - 1, count).astype(int)]
    return [(int(d), int(h), int(w)) for d, h, w in chosen]


def on_screen(page: Any, row: int, column: int) -> tuple[float, float]:
    """Where a pixel of the whole slice is shown: it fits the canvas, with a margin of 28 pixels."""
    box = page.locator("#canvas").bounding_box()
    scale = (min(box["width"], box["height"]) - 28) / SIZE
    middle = (SIZE - 1) / 2
    x = box["x"] + box["width"] / 2 + (column - middle) * scale
    return x, box["y"] + box["height"] / 2 + (row - middle) * scale


def answers(page: Any, count: int) -> None:
    """Wait until the bar shows so many answers."""
    page.locator("#spent", has_text=f"· {count} answers").wait_for()


@pytest.mark.timeout(600)
def test_a_session(phantoms: Path, page: Any, recipe: Path) -> None:
    """Open, click ten lesions, say "nothing here", undo, reload, train, and see the next question."""
    store = LabelStore(phantoms / "labels.jsonl")
    with serving(phantoms, "--annotators", "anna", "--recipe", str(recipe), "--regions", "16") as (_, links):
        page.goto(links["anna"])
        page.locator("#where", has_text="Slice 13 of 24").wait_for()
        assert "Research use only" in page.content()
        assert "token" not in page.url

        clicked = lesions(phantoms, 10)
        for number, (index, row, column) in enumerate(clicked, start=1):
            go_to(page, index)
            page.mouse.click(*on_screen(page, row, column))
            answers(page, number)
        picture(page, "clicks")
        folder = DatasetFolder.open(phantoms)
        scan = folder.scan(folder.split.training[0])
        points = [label.position for label in store.read() if isinstance(label, Point) and label.label == 1]
        assert np.rint(scan.to_indices(np.array(points))).astype(int).tolist() == [list(one) for one in clicked]

        page.mouse.click(*on_screen(page, 3, 3), button="right")
        answers(page, 11)
        page.keyboard.press("n")
        answers(page, 12)
        assert [label.kind for label in store.read()][-2:] == ["point", "slice_tag"]
        page.keyboard.press("z")
        answers(page, 11)
        page.keyboard.press("y")
        answers(page, 12)
        page.keyboard.press("z")
        answers(page, 11)

        page.reload()
        answers(page, 11)
        assert page.locator("#answers .answer").count() == 11
        page.keyboard.press(",")
        page.locator("#where", has_text=f"Slice {clicked[-1][0] + 1} of").wait_for()

        page.set_viewport_size({"width": 1024, "height": 640})
        spent = page.locator("#spent")
        assert spent.evaluate("one => one.scrollWidth <= one.clientWidth"), "the seconds are seen on a small screen"
        page.set_viewport_size({"width": 1440, "height": 860})
        page.keyboard.press("?")
        shown(page, "one slice towards the head")
        picture(page, "keys")
        page.keyboard.press("Escape")

        page.keyboard.press("g")
        shown(page, "Is there a lesion in the outlined region?")
        picture(page, "question")
        page.keyboard.press("n")
        answers(page, 12)
        assert store.read()[-1].kind == "region"
        page.keyboard.press("u")
        answers(page, 13)
        assert store.read()[-1].kind == "region", "unsure is no label"

        page.keyboard.press("Shift+T")
        shown(page, "Go on clicking")
        page.keyboard.press("n")
        answers(page, 14)
        page.locator("#toast", has_text="New model: annotate-1").wait_for(timeout=TRAINING)
        page.locator("#model", has_text="choosing").wait_for(state="hidden", timeout=TRAINING)
        page.keyboard.press("Enter")
        shown(page, "Is there a lesion in the outlined region?")
        for key in ("m", "e"):
            page.keyboard.press(key)
        page.locator("#layers button[aria-pressed=true]", has_text="Uncertainty").wait_for()
        page.wait_for_timeout(500)  # for the overlays to be drawn
        picture(page, "model")
    kinds = [json.loads(line)["kind"] for line in store.path.read_text().splitlines()]
    assert kinds.count("retraction") == 2


def test_the_link_works_once_and_without_it_nothing_is_shown(phantoms: Path, page: Any) -> None:
    with serving(phantoms, "--annotators", "anna") as (_, links):
        link = links["anna"]
        assert page.goto(link.partition("/login")[0]).status == 401
        assert page.goto(link).status == 200
        page.context.clear_cookies()
        assert page.goto(link).status == 403
