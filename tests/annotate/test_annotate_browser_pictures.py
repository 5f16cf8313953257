"""A folder that holds a CT and a picture of 8 bits: each has its own windows, and a picture no left and right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from browser import GROUND_HU
from browser import NEEDS_CHROMIUM
from browser import Annotating
from browser import beacons
from browser import chromium
from PIL import Image
from serving import serving

from groundglass.labels.store import LabelStore

pytestmark = NEEDS_CHROMIUM

GROUND = 90
QUIET = (118, 122, 126)
"""The color of the letters beside the image."""


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Annotating]:
    """A CT, `first`, and a PNG, `picture`."""
    root = tmp_path_factory.mktemp("pictures") / "scans"
    root.mkdir()
    (beacons(root.with_name("data")) / "images").rename(root / "images")
    (root / "images" / "second.nii.gz").unlink()
    pixels = np.full((48, 60), GROUND, np.uint8)
    pixels[10:13, 20:23] = 255
    Image.fromarray(pixels).save(root / "images" / "picture.png")
    with serving(root, "--annotators", "anna") as (_, links), chromium() as page:
        page.goto(links["anna"])
        yield Annotating(page, LabelStore(root / "labels.jsonl"))


def show(anna: Annotating, case: str) -> list[int]:
    """The grey of an image's ground as it is shown."""
    anna.page.locator("#case").select_option(case)
    anna.page.locator(f"#slicer[href*='/{case}/']").wait_for()  # written when it is open
    anna.wait()
    x, y = anna.middle()
    return anna.color_at((x - 100, y + 100))


def window(anna: Annotating, *keys: str) -> list[int]:
    anna.press(*keys)
    x, y = anna.middle()
    return anna.color_at((x - 100, y + 100))


def choose(anna: Annotating, level: str, width: str) -> list[int]:
    anna.press("w")
    for field, value in (("level", level), ("width", width)):
        anna.page.locator(f"#{field}").fill(value)
        anna.press("Tab")
    anna.page.locator("#canvas").focus()
    return window(anna)


def grey(value: float, low: float, high: float) -> list[int]:
    return [round(255 * min(1, max(0, (value - low) / (high - low))))] * 3


def test_each_kind_of_image_has_its_own_windows(anna: Annotating) -> None:
    names = anna.page.locator("#windows button")
    assert show(anna, "first") == grey(GROUND_HU, -1250, 250)
    assert names.all_inner_texts() == ["Lung", "Soft tissue", "Custom"]
    assert show(anna, "picture") == grey(GROUND, 0, 255)
    assert names.all_inner_texts() == ["Full", "Custom"]
    assert choose(anna, "100", "100") == grey(GROUND, 50, 150)
    assert anna.page.locator("#level").input_value() == "100"
    assert show(anna, "first") == grey(GROUND_HU, -1250, 250)
    assert choose(anna, "-700", "500") == grey(GROUND_HU, -950, -450)
    assert show(anna, "picture") == grey(GROUND, 50, 150)
    assert window(anna, "1") == grey(GROUND, 0, 255)
    assert window(anna, "2") == grey(GROUND, 0, 255)
    anna.page.locator("#toast", has_text="has no such window").wait_for()
    assert window(anna, "3") == grey(GROUND, 50, 150)
    assert show(anna, "first") == grey(GROUND_HU, -950, -450)
    assert window(anna, "2") == grey(GROUND_HU, -160, 240)


def test_a_picture_has_no_sides_and_no_millimeters(anna: Annotating) -> None:
    def letters() -> bool:
        return bool(anna.alike(QUIET, 12)[:, :24].any())

    for case, oriented in (("first", True), ("picture", False)):
        show(anna, case)
        anna.page.mouse.move(*anna.middle())
        told = anna.page.locator("#cursor").inner_text()
        assert (("mm" in told), letters()) == (oriented, oriented), told
    anna.press("1")
    anna.page.mouse.move(*anna.beacon())
    assert anna.page.locator("#cursor").inner_text().split() == ["255", "of", "255", "x", "21", "y", "11", "px"]
