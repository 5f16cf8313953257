"""What the page shows, read from the pixels of its canvas, and that answers lie where they were seen."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from browser import AFFINE
from browser import ASKED
from browser import BACKGROUND
from browser import CROSSHAIR
from browser import GROUND_HU
from browser import LESION
from browser import NEEDS_CHROMIUM
from browser import SHAPE
from browser import WHITE
from browser import Annotating
from browser import Voxel
from browser import beacon
from browser import change_summary
from browser import close
from browser import voxel

pytestmark = NEEDS_CHROMIUM

MIDDLE = SHAPE[0] // 2
REGIONS = 16
MODEL = {"name": "some", "version": 7, "threshold": 0.5, "questions_ready": True}
STRETCH = AFFINE[1, 1] / AFFINE[0, 2]


def grey(low: float, high: float) -> list[int]:
    """The ground in a window."""
    return [round(255 * min(1, max(0, (GROUND_HU - low) / (high - low))))] * 3


def drag(anna: Annotating, right: float, down: float) -> None:
    mouse, (x, y) = anna.page.mouse, anna.beacon()
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + right / 2, y + down / 2)
    mouse.move(x + right, y + down)
    mouse.up()


def ground(anna: Annotating) -> tuple[float, float]:
    """A place on the image that is not the white block."""
    x, y = anna.beacon()
    return x + 60, y + 60


def whole_slice(anna: Annotating, place: Voxel) -> tuple[float, float]:
    """Where on the screen a voxel is while the whole slice is shown: it fits the canvas, with a margin of 28 pixels."""
    box = anna.page.locator("#canvas").bounding_box()
    scale = (box["height"] - 28) / (SHAPE[1] * STRETCH)
    right, down = place[2] - (SHAPE[2] - 1) / 2, place[1] - (SHAPE[1] - 1) / 2
    return box["x"] + box["width"] / 2 + right * scale, box["y"] + box["height"] / 2 + down * scale * STRETCH


def zoom(anna: Annotating, place: tuple[float, float], notches: int) -> None:
    anna.page.mouse.move(*place)
    anna.page.keyboard.down("Control")
    for _ in range(notches):
        anna.page.mouse.wheel(0, -100)
    anna.page.keyboard.up("Control")


def test_zoom_and_pan_move_the_image_and_clicks_land_where_they_were_seen(anna: Annotating) -> None:
    before, small = anna.beacon(), anna.alike(WHITE).sum()
    zoom(anna, before, notches=3)
    assert close(anna.beacon(), before, 4), "the wheel zooms about the mouse"
    assert anna.alike(WHITE).sum() == pytest.approx(small * np.exp(2 * 300 / 400), rel=0.1)
    before = anna.beacon()
    drag(anna, right=70, down=-40)
    assert close(anna.beacon(), (before[0] + 70, before[1] - 40)), "the image follows the mouse"
    assert voxel(anna.answer(lambda: anna.click(anna.beacon()))) == beacon(MIDDLE)
    assert close(anna.middle_of(LESION), anna.beacon(), 4)
    before = anna.middle_of(LESION)
    anna.press("Alt+ArrowLeft", "Alt+ArrowDown")
    moved = anna.middle_of(LESION)
    assert moved[0] > before[0] + 20, "what was left comes into sight"
    assert moved[1] < before[1] - 20
    anna.press("0")
    assert anna.alike(WHITE).sum() < small, "the whole slice again; the mark covers some of the block"


def test_pixels_have_the_shape_of_the_voxels(anna: Annotating) -> None:
    rows, columns = np.nonzero(anna.alike(WHITE))
    assert np.ptp(rows) / np.ptp(columns) == pytest.approx(STRETCH, rel=0.05)


def test_windows_change_the_pixels(anna: Annotating) -> None:
    place = ground(anna)
    assert anna.color_at(place) == grey(-1250, 250)
    anna.press("2")
    assert anna.color_at(place) == grey(-160, 240)
    anna.press("3")
    assert anna.color_at(place) == grey(-1000, 1000)
    anna.press("w")
    for field, value in (("level", "-700"), ("width", "500")):
        anna.page.locator(f"#{field}").fill(value)
        anna.press("Tab")
    assert anna.color_at(place) == grey(-950, -450)
    anna.page.locator("#windows button", has_text="Lung").click()
    assert anna.color_at(place) == grey(-1250, 250)


def test_wheel_keys_and_track_change_slices(anna: Annotating) -> None:
    def shows(index: int, case: str = "first") -> None:
        anna.at(index)
        assert close(anna.beacon(), whole_slice(anna, beacon(index, case)))

    box = anna.page.locator("#canvas").bounding_box()
    shows(MIDDLE)
    anna.page.mouse.move(*ground(anna))
    anna.page.mouse.wheel(0, -100)
    shows(MIDDLE + 1)
    anna.page.mouse.wheel(0, 120)
    shows(MIDDLE)
    for _ in range(2):
        anna.page.mouse.wheel(0, 16)  # a touchpad
    shows(MIDDLE - 1)
    for key, index in (("ArrowUp", 12), ("ArrowDown", 11), ("PageUp", 21), ("PageDown", 11), ("Home", 23), ("End", 0)):
        anna.press(key)
        shows(index)
    anna.click((box["x"] + box["width"] - 9, box["y"] + 18))
    shows(SHAPE[0] - 1)
    anna.press("]")
    shows(MIDDLE, "second")
    anna.press("[")
    shows(MIDDLE)


def test_brackets_are_heard_from_keyboards_that_have_them_on_alt_gr(anna: Annotating) -> None:
    """As Windows tells AltGr, and as a Mac tells Option."""
    sent = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true, altKey: true, %s }))"
    for key, others, case in (("]", "ctrlKey: true, modifierAltGraph: true", "second"), ("[", "", "first")):
        anna.page.evaluate(sent % (key, others))
        anna.page.wait_for_function("name => document.getElementById('case').value === name", arg=case)


def test_the_footer_tells_the_value_and_the_place_under_the_mouse(anna: Annotating) -> None:
    anna.page.mouse.move(*anna.beacon())
    x, y, z, _ = AFFINE @ [*beacon(MIDDLE), 1]
    told = anna.page.locator("#cursor").inner_text().split()
    assert told[:2] == ["500", "HU"]
    sides = {"R": -1, "L": 1, "A": -1, "P": 1, "I": -1, "S": 1}
    mm = [sides[side] * float(value) for side, value in zip(told[2:8:2], told[3:8:2], strict=True)]
    assert mm == pytest.approx([x, y, z], abs=0.4)


def test_x_and_b_answer_where_the_mouse_is(anna: Annotating) -> None:
    anna.page.mouse.move(*anna.beacon())
    lesion: Any = anna.answer(lambda: anna.press("x"))
    assert (lesion.kind, lesion.label, voxel(lesion)) == ("point", 1, beacon(MIDDLE))
    anna.press("ArrowUp")
    anna.at(MIDDLE + 1)
    anna.page.mouse.move(*anna.beacon())
    background: Any = anna.answer(lambda: anna.press("b"))
    assert (background.kind, background.label, voxel(background)) == ("point", 0, beacon(MIDDLE + 1))
    assert close(anna.middle_of(BACKGROUND), anna.beacon(), 4)
    anna.press("p")
    assert not anna.alike(BACKGROUND).any(), "P hides the marks"
    anna.press("p", "ArrowUp")
    anna.at(MIDDLE + 2)
    anna.page.mouse.move(*(place := ground(anna)))
    anna.press("+")
    anna.answer(lambda: anna.press("x"))
    assert close(anna.middle_of(LESION), place, 4), "the image was zoomed under a mouse at rest"


def test_the_crosshair_is_drawn_and_keys_answer_there(anna: Annotating) -> None:
    anna.press("PageDown", "Shift+ArrowUp")
    anna.at(MIDDLE - 10)
    before = anna.middle_of(CROSSHAIR)
    anna.press("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown")
    after = anna.middle_of(CROSSHAIR)
    assert after[0] > before[0] + 40
    assert after[1] > before[1] + 30
    label: Any = anna.answer(lambda: anna.press("b"))
    assert label.label == 0
    assert close(anna.middle_of(BACKGROUND), after)
    assert anna.middle_of(CROSSHAIR) == after
    assert close(voxel(anna.answer(lambda: anna.click(after)))[1:], voxel(label)[1:], 1.5)


def test_an_answer_at_a_crosshair_out_of_sight_is_not_taken(anna: Annotating) -> None:
    anna.press("Shift+ArrowUp", *["+"] * 6, *["Alt+ArrowRight"] * 8)
    assert not anna.alike(CROSSHAIR).any()
    assert "out of sight" in anna.refused(lambda: anna.press("x"))
    anna.press("Shift+ArrowUp")
    assert anna.alike(CROSSHAIR).any(), "the arrows bring it back"


def test_mask_and_heat_map_are_drawn_where_the_model_says(anna: Annotating) -> None:
    shares = {"probability": 0.6, "uncertainty": 1.0}
    asked = []

    def answer(route: Any) -> None:
        address = route.request.url.partition("?")[0].rpartition("/slices/")[2]
        asked.append(address)
        kind = address.partition("/")[2]
        shown = np.zeros(SHAPE[1:])
        shown[:, : SHAPE[2] // 2] = shares[kind]
        shown[:, SHAPE[2] // 2 :] = 0.4 if kind == "probability" else 0
        route.fulfill(body=(shown * 255).astype(np.uint8).tobytes())

    anna.press("m")
    anna.page.locator("#toast", has_text="There is no model yet").wait_for()
    change_summary(anna.page, {"model": MODEL})
    anna.page.route(re.compile(r"/slices/\d+/"), answer)
    anna.page.reload()
    anna.at(MIDDLE)
    box = anna.page.locator("#canvas").bounding_box()
    y = box["y"] + box["height"] / 4
    left, right = (box["x"] + box["width"] / 2 - 20, y), (box["x"] + box["width"] / 2 + 20, y)
    plain = anna.color_at(left)
    for key, layer in (("m", "Mask"), ("e", "Uncertainty")):
        anna.show_layer(key, layer)
        anna.until(lambda sign=1 if layer == "Mask" else -1: sign * blueness(anna, left) > 30)
        assert anna.color_at(right) == plain, "below the threshold, and where the model is sure"
        anna.press(key)
        assert anna.color_at(left) == plain
    assert asked == [f"{MIDDLE}/probability", f"{MIDDLE}/uncertainty"]


def test_overlays_that_take_long_hold_up_no_slices(anna: Annotating) -> None:
    """As while lungs are being found: one is asked for at a time, and only where one rests."""
    waiting: list[Any] = []
    failed: list[str] = []
    change_summary(anna.page, {"model": MODEL})
    anna.page.route(re.compile(r"/slices/\d+/probability"), lambda route: waiting.append(route))
    anna.page.on("requestfailed", lambda request: failed.append(request.url))
    anna.page.reload()
    anna.at(MIDDLE)
    anna.press("m")
    anna.until(lambda: len(waiting) == 1)
    anna.press(*["ArrowUp"] * 8)
    anna.at(MIDDLE + 8)
    anna.until(lambda: f"/{MIDDLE + 8}/" in waiting[-1].request.url)
    assert [one.request.url for one in waiting[:-1]] == failed
    assert len(waiting) < 6
    anna.press("m")
    anna.until(lambda: len(failed) == len(waiting))
    assert not anna.page.locator("#toast.shown").count(), "nothing went wrong"
    anna.press("m")
    anna.until(lambda: len(waiting) > len(failed))
    plain = anna.pixels()
    waiting[-1].fulfill(body=b"\xff" * (SHAPE[1] * SHAPE[2]))
    anna.until(lambda: bool((anna.pixels() != plain).any()))


def blueness(anna: Annotating, place: tuple[float, float]) -> int:
    red, _, blue = anna.color_at(place)
    return blue - red


def ask(anna: Annotating) -> dict[str, Any]:
    """Turn on guided mode, and the question."""
    with anna.page.expect_response("**/api/question") as reply:
        anna.press("g")
    question: dict[str, Any] = reply.value.json()
    anna.at(question["slice"])
    return question


def outline(anna: Annotating) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the outlined region on the canvas."""
    rows, columns = np.nonzero(anna.alike(ASKED, 40))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def test_the_asked_region_is_outlined_and_the_rest_darker(anna: Annotating) -> None:
    question = ask(anna)
    left, top, right, bottom = outline(anna)
    (first_row, end_row), (first_column, end_column) = question["rows"], question["columns"]
    shape = (end_row - first_row) * STRETCH / (end_column - first_column)
    assert (bottom - top) / (right - left) == pytest.approx(shape, rel=0.1)
    image = anna.pixels()
    inside = image[top + 8 : bottom - 8, left + 8 : right - 8]
    around = np.concatenate([image[bottom + 8 : bottom + 14, left:right], image[top - 14 : top - 8, left:right]])
    assert np.median(inside) == grey(-1250, 250)[0]
    assert np.median(around) < np.median(inside) - 20
    box = anna.page.locator("#canvas").bounding_box()
    corner = box["x"] + right - 12, box["y"] + top + 12
    label: Any = anna.answer(lambda: anna.click(corner, button="right"))
    _, row, column = voxel(label)
    assert (row, column) == pytest.approx((first_row, end_column - 1), abs=1)


def test_nothing_here_about_a_region_out_of_sight_goes_back_to_it(anna: Annotating) -> None:
    ask(anna)
    anna.press(*["+"] * 8, *["Alt+ArrowLeft"] * 20)
    assert not anna.alike(ASKED).any()
    before = anna.store.read()
    anna.press("n")
    anna.wait()
    assert anna.alike(ASKED).any()
    assert anna.store.read() == before
    assert anna.answer(lambda: anna.press("n")).kind == "region"


def test_the_bar_fits_a_narrow_window(anna: Annotating) -> None:
    anna.page.set_viewport_size({"width": 700, "height": 700})
    assert anna.page.evaluate("document.querySelector('header').scrollWidth <= innerWidth")
    anna.page.set_viewport_size({"width": 1000, "height": 700})
    assert anna.page.evaluate("document.querySelector('header').scrollWidth <= innerWidth")


def test_a_model_that_is_being_loaded_is_not_said_to_be_missing(anna: Annotating) -> None:
    change_summary(anna.page, {"model": MODEL | {"name": None, "version": 0, "loading": True}})
    anna.answer(lambda: anna.press("l"))
    anna.page.locator("#model", has_text="loading").wait_for()
    anna.press("m")
    anna.page.locator("#toast", has_text="The model is still being loaded.").wait_for()
