"""A whole session in a real headless Chromium, which also makes the pictures of the documentation."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from browser import NEEDS_CHROMIUM
from browser import Annotating
from browser import beacons
from browser import chromium
from serving import serving

from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.labels.events import Point
from groundglass.labels.simulate import simulate_points
from groundglass.labels.store import LabelStore
from groundglass.scans.scan import Scan

SCREENSHOTS = os.environ.get("GROUNDGLASS_SCREENSHOTS")
"""A folder for the pictures. Made with a larger scan and a model that has learned something, which takes minutes."""
PICTURES = ("clicks", "question", "uncertainty")
SHAPE = (40, 192, 192) if SCREENSHOTS else (24, 96, 96)
RECIPE = """
method: points
network: plain-unet
network_options: {channels: [16, 32, 64], dropout: 0.2}
grid: {size: [128, 128]}
epochs: 40
batch_size: 4
"""
TRAINING = 1_500_000 if SCREENSHOTS else 400_000
"""Milliseconds; a training has a low priority, so a busy machine takes its time."""

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("phantoms") / "phantoms"
    prepare(PhantomSet(count=3, shape=SHAPE, seed=5), root, name="phantoms")
    return root


@pytest.fixture
def page() -> Iterator[Any]:
    with chromium(1024, 640) as page:
        yield page


def picture(page: Any, name: str) -> None:
    """A screenshot for the documentation, where a folder for it is named."""
    assert name in PICTURES
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"annotate-{name}.png")


def shown(page: Any, text: str) -> None:
    """Wait for a text in the page."""
    page.get_by_text(text).first.wait_for()


def go_to(anna: Annotating, index: int) -> None:
    now = int(re.findall(r"\d+", anna.page.locator("#where").inner_text())[0]) - 1
    anna.press(*["ArrowUp" if index > now else "ArrowDown"] * abs(index - now))
    anna.at(index)


def truth(root: Path) -> Scan:
    """The mask of the first scan."""
    folder = DatasetFolder.open(root)
    mask = folder.mask(folder.split.training[0])
    assert mask is not None
    return mask


def lesions(mask: Scan) -> list[tuple[int, int, int]]:
    """Ten voxels ``(d, h, w)`` of lesions, the last three in the slice with most lesion."""
    voxels = np.argwhere(mask.voxels)
    richest = voxels[voxels[:, 0] == np.bincount(voxels[:, 0]).argmax()]
    chosen = [some[np.linspace(0, len(some) - 1, count).astype(int)] for some, count in ((voxels, 7), (richest, 3))]
    return [(int(d), int(h), int(w)) for d, h, w in np.concatenate(chosen)]


def on_screen(page: Any, row: int, column: int) -> tuple[float, float]:
    """Where a pixel of the whole slice is shown: it fits the canvas, with a margin of 28 pixels."""
    box = page.locator("#canvas").bounding_box()
    scale = (min(box["width"], box["height"]) - 28) / SHAPE[1]
    middle = (SHAPE[1] - 1) / 2
    x = box["x"] + box["width"] / 2 + (column - middle) * scale
    return x, box["y"] + box["height"] / 2 + (row - middle) * scale


@pytest.mark.timeout(1800 if SCREENSHOTS else 600)
def test_a_session(phantoms: Path, page: Any, recipe: Path) -> None:
    """Open, click ten lesions, say "nothing here", undo, reload, train, and see the next question."""
    store = LabelStore(phantoms / "labels.jsonl")
    mask, case = truth(phantoms), DatasetFolder.open(phantoms).split.training[0].case
    if SCREENSHOTS:
        recipe.write_text(RECIPE)
    with serving(phantoms, "--annotators", "anna", "--recipe", str(recipe), "--regions", "16") as (_, links):
        page.goto(links["anna"])
        anna = Annotating(page, store)
        anna.at(SHAPE[0] // 2)
        assert "Research use only" in page.content()
        assert "token" not in page.url

        clicked = lesions(mask)
        for index, row, column in clicked:
            go_to(anna, index)
            anna.answer(lambda place=(row, column): anna.click(on_screen(page, *place)))
        points = [label.position for label in store.read() if isinstance(label, Point) and label.label == 1]
        assert np.rint(mask.to_indices(np.array(points))).astype(int).tolist() == [list(one) for one in clicked]

        middle = SHAPE[1] // 2
        anna.answer(lambda: anna.click(on_screen(page, middle, middle), button="right"))
        picture(page, "clicks")
        anna.answer(lambda: anna.press("n"))
        assert [label.kind for label in store.read()][-2:] == ["point", "slice_tag"]
        for key, count in (("z", 11), ("y", 12), ("z", 11)):
            anna.press(key)
            anna.counts(count)

        page.reload()
        anna.counts(11)
        page.locator("#answers .answer").nth(10).wait_for()  # the bar comes first
        assert page.locator("#answers .answer").count() == 11
        anna.press(",", ",")
        anna.at(clicked[-1][0])
        spent = page.locator("#spent")
        assert spent.evaluate("one => one.scrollWidth <= one.clientWidth"), "the seconds are seen on a small screen"
        anna.press("?")
        shown(page, "one slice towards the head")
        anna.press("Escape", "g")
        shown(page, "Is there a lesion in the outlined region?")
        assert anna.answer(lambda: anna.press("n")).kind == "region"
        assert anna.answer(lambda: anna.press("u")).kind == "region", "unsure is no label"

        if SCREENSHOTS:
            store.append(simulate_points(mask, case))
        anna.press("Shift+T")
        shown(page, "Go on clicking")
        anna.answer(lambda: anna.press("n"))
        page.locator("#toast", has_text="New model: annotate-1").wait_for(timeout=TRAINING)
        page.locator("#model", has_text="choosing").wait_for(state="hidden", timeout=TRAINING)
        anna.answer(lambda: anna.press("n"))
        shown(page, "Is there a lesion in the outlined region?")
        anna.press("p")
        anna.show_layer("m", "Mask")
        picture(page, "question")
        anna.press("m")
        plain = anna.pixels()
        anna.show_layer("e", "Uncertainty")
        anna.until(lambda: bool((anna.pixels() != plain).any()))
        picture(page, "uncertainty")
    kinds = [json.loads(line)["kind"] for line in store.path.read_text().splitlines()]
    assert kinds.count("retraction") == 2


def test_the_documentation_shows_the_pictures_of_this_session() -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/annotate.md").read_text()
    assert re.findall(r"annotate-(\w+)\.png", text) == list(PICTURES)


def test_the_link_works_once_and_without_it_nothing_is_shown(phantoms: Path, page: Any) -> None:
    with serving(phantoms, "--annotators", "anna") as (_, links):
        link = links["anna"]
        assert page.goto(link.partition("/login")[0]).status == 401
        assert page.goto(link).status == 200
        page.context.clear_cookies()
        assert page.goto(link).status == 403


def test_the_link_may_be_clicked_in_a_mail(phantoms: Path, page: Any) -> None:
    with serving(phantoms, "--annotators", "anna") as (_, links):
        for _ in range(2):  # the second time its cookie is there
            page.goto("about:blank")
            page.set_content(f'<a href="{links["anna"]}">annotate</a>')
            with page.expect_request(re.compile("/login")) as request:
                page.get_by_text("annotate").click()
            assert request.value.all_headers()["sec-fetch-site"] == "cross-site"
            page.locator("#where", has_text="Slice").wait_for()
            assert "token" not in page.url
        page.goto("about:blank")
        page.set_content(f'<a href="{links["anna"].partition("login")[0]}">in</a>')
        with page.expect_response(re.compile(r":\d+/$")) as reply:
            page.get_by_text("in", exact=True).click()
        assert reply.value.status == 403, "another site leads nowhere but to the login"


def test_a_scan_that_cannot_be_read_keeps_nobody_from_the_others(page: Any, tmp_path: Path) -> None:
    good = beacons(tmp_path / "data") / "images" / "first.nii.gz"
    scans = tmp_path / "scans"
    scans.mkdir()
    shutil.copy(good, scans / "good.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 9, 9, 2), np.int16), np.eye(4)), scans / "a-series.nii.gz")
    with serving(scans, "--annotators", "anna") as (_, links):
        page.goto(links["anna"])
        page.locator("#toast.wrong", has_text="a-series.nii.gz").wait_for()
        page.locator("#where", has_text="Slice").wait_for()
        assert page.locator("#case").input_value() == "good"
        assert page.locator("#case option").all_inner_texts() == ["a-series", "good"]
        (scans / "good.nii.gz").write_bytes(b"nothing")
        page.reload()
        page.locator("#toast.wrong", has_text="good.nii.gz").wait_for()
        assert page.locator("#case option").all_inner_texts() == ["a-series", "good"]
        page.keyboard.press("h")
        page.locator("#toast.wrong", has_text="Not taken: no image is open").wait_for()
