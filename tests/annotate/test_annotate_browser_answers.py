"""What the page makes of clicks and keys: never an answer about something that was not on the canvas."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from browser import ASKED
from browser import LESION
from browser import NEEDS_CHROMIUM
from browser import SHAPE
from browser import Annotating
from browser import Held
from browser import beacon
from browser import change_summary
from browser import close
from browser import position
from browser import voxel

from groundglass.labels.events import Point
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.markups import from_slicer
from groundglass.labels.markups import to_slicer

pytestmark = NEEDS_CHROMIUM

MIDDLE = SHAPE[0] // 2
IMAGES = r"/slices/\d+(\?|$)"


def every_answer(anna: Annotating) -> list[Callable[[], object]]:
    """All ways to answer at once: with the mouse in the image, and with each key."""
    keys = [lambda key=key: anna.press(key) for key in "xbnlhd"]
    return [lambda: anna.click(anna.middle()), lambda: anna.click(anna.middle(), button="right"), *keys]


def test_no_answer_is_taken_while_another_slice_is_loading(anna: Annotating) -> None:
    held = Held(anna.page, IMAGES)
    anna.press("PageUp")
    for act in every_answer(anna):
        assert "still being loaded" in anna.refused(act)
    anna.page.locator("#where", has_text=f"Slice {MIDDLE + 1} of {SHAPE[0]} · loading {MIDDLE + 11}").wait_for()
    held.let_go()
    anna.at(MIDDLE + 10)
    assert voxel(anna.answer(lambda: anna.click(anna.beacon()))) == beacon(MIDDLE + 10)


@pytest.mark.parametrize("pattern", [r"/api/cases/second$", IMAGES])
def test_no_answer_is_taken_while_another_scan_is_loading(anna: Annotating, pattern: str) -> None:
    anna.answer(lambda: anna.press("h"))
    anna.begin()  # with this scan, and nothing of the other is there yet
    held = Held(anna.page, pattern)
    anna.press("]")
    for act in every_answer(anna):
        assert "still being loaded" in anna.refused(act)
    anna.page.locator("#where", has_text="loading").wait_for()
    held.let_go()
    anna.at(MIDDLE)
    assert anna.page.locator("#case").input_value() == "second"
    label: Any = anna.answer(lambda: anna.click(anna.beacon()))
    assert (label.case, voxel(label)) == ("second", beacon(MIDDLE, "second"))


def test_a_slice_that_cannot_be_loaded_leaves_the_one_before(anna: Annotating) -> None:
    held = Held(anna.page, IMAGES)
    anna.press("PageDown")
    anna.page.locator("#where", has_text="loading").wait_for()
    held.fail()
    anna.page.locator("#toast", has_text="The server does not answer").wait_for()
    anna.at(MIDDLE)
    assert voxel(anna.answer(lambda: anna.click(anna.beacon()))) == beacon(MIDDLE)


def test_the_last_of_many_slices_asked_for_is_shown(anna: Annotating) -> None:
    held = Held(anna.page, IMAGES)
    anna.press("Home", "End", "PageUp", "ArrowDown")
    anna.page.locator("#where", has_text="loading 10").wait_for()
    held.waiting.reverse()
    held.let_go()
    anna.at(9)
    assert voxel(anna.answer(lambda: anna.click(anna.beacon()))) == beacon(9)


def test_the_next_question_is_answered_only_once_its_slice_is_seen(anna: Annotating) -> None:
    settled = "document.querySelector('#where').innerText.includes('loading') || stage.ariaBusy === 'false'"
    where = anna.page.locator("#where")
    anna.press("g")
    anna.wait()
    held = Held(anna.page, IMAGES)
    while "loading" not in where.inner_text():  # the next question may be on a slice that is there already
        assert anna.answer(lambda: anna.press("n")).kind == "region"
        anna.until(lambda: anna.page.evaluate(settled))
    nobody_answers_the_next_question(anna, held)


def test_the_question_before_is_not_answered_while_the_next_is_asked_for(anna: Annotating) -> None:
    anna.press("g")
    anna.wait()
    held = Held(anna.page, r"/api/question$")
    anna.answer(lambda: anna.press("n"))
    nobody_answers_the_next_question(anna, held)


def nobody_answers_the_next_question(anna: Annotating, held: Held) -> None:
    for act in every_answer(anna):
        assert "the next question is still on its way" in anna.refused(act)
    held.let_go()
    anna.wait()
    assert anna.alike(ASKED, 40).any()
    assert anna.answer(lambda: anna.press("n")).kind == "region"


def test_what_has_only_just_come_is_not_answered(anna: Annotating) -> None:
    """A key is pressed when the new slice is about to be drawn, sooner than anybody could look."""
    at_once = """() => new MutationObserver((_, watch) => {
        if (document.getElementById("where").textContent.includes("loading")) return;
        watch.disconnect();
        document.getElementById("canvas").dispatchEvent(new KeyboardEvent("keydown", { key: "l", bubbles: true }));
    }).observe(document.getElementById("where"), { childList: true })"""
    anna.page.evaluate(at_once)
    assert "only just changed" in anna.refused(lambda: anna.press("ArrowUp"))
    anna.at(MIDDLE + 1)
    anna.page.mouse.move(*anna.beacon())
    anna.page.mouse.down()
    anna.press("ArrowUp")
    anna.at(MIDDLE + 2)
    assert "under the mouse button" in anna.refused(anna.page.mouse.up)


def test_a_key_held_down_answers_once(anna: Annotating) -> None:
    anna.answer(lambda: anna.page.keyboard.down("l"))
    before = anna.store.read()
    for _ in range(3):
        anna.page.keyboard.down("l")
    anna.page.keyboard.up("l")
    anna.answer(lambda: anna.press("h"))
    assert anna.store.read()[:-1] == before


def test_a_double_click_is_one_answer(anna: Annotating) -> None:
    anna.press("Home")
    anna.at(SHAPE[0] - 1)
    before, count, (x, y) = anna.store.read(), anna.count(), anna.beacon()
    anna.page.mouse.dblclick(x, y)
    anna.click((x + 1, y), button="right")
    anna.counts(count + 2)
    anna.page.wait_for_timeout(400)
    anna.click((x + 3, y), button="right")
    anna.counts(count + 3)
    labels: list[Any] = anna.store.read()[len(before) :]
    assert [label.label for label in labels] == [1, 0, 0]


def slip(anna: Annotating, pixels: int) -> None:
    """Click with an unsteady hand."""
    x, y = anna.beacon()
    anna.page.mouse.move(x, y)
    anna.page.mouse.down()
    anna.page.mouse.move(x + pixels, y)
    anna.page.mouse.up()


def test_a_click_may_slip_a_little_and_else_is_not_lost_without_a_word(anna: Annotating) -> None:
    assert voxel(anna.answer(lambda: slip(anna, 7))) == beacon(MIDDLE), "where the button was pressed"
    anna.press("ArrowUp")
    anna.at(MIDDLE + 1)
    anna.press("+")
    assert voxel(anna.answer(lambda: slip(anna, 3))) == beacon(MIDDLE + 1)
    anna.press("ArrowUp")
    anna.at(MIDDLE + 2)
    assert "the mouse was moved while its button was down" in anna.refused(lambda: slip(anna, 7))


def test_slice_and_scan_tags(anna: Annotating) -> None:
    def pressed() -> list[str]:
        return list(anna.page.locator("#tags button[aria-pressed=true]").all_inner_texts())

    anna.press("PageUp")
    anna.at(MIDDLE + 10)
    for key, kind, label, shown in (
        ("l", "slice_tag", 1, "Lesion"),
        ("n", "slice_tag", 0, "No lesion"),
        ("h", "scan_tag", 0, "Healthy"),
        ("d", "scan_tag", 1, "Diseased"),
    ):
        tag: Any = anna.answer(lambda key=key: anna.press(key))
        assert (tag.case, tag.kind, tag.label) == ("first", kind, label)
        assert kind == "scan_tag" or voxel(tag)[0] == MIDDLE + 10
        assert shown in pressed()
    anna.press("ArrowDown")
    anna.at(MIDDLE + 9)
    assert pressed() == ["Diseased"], "of this slice nothing has been said"
    anna.answer(lambda: anna.page.locator("#tags button", has_text="Healthy").click())
    assert pressed() == ["Healthy"]


def test_delete_takes_the_selected_answer_back(anna: Annotating) -> None:
    anna.press("End")
    anna.at(0)
    point = anna.answer(lambda: anna.click(anna.beacon()))
    assert close(anna.middle_of(LESION), anna.beacon(), 4)
    anna.press("PageUp")
    anna.at(10)
    tag = anna.answer(lambda: anna.press("l"))
    count = anna.count()
    anna.press(",", ",")
    anna.at(0)
    assert anna.page.locator("#answers button[aria-pressed=true]").inner_text().split() == ["lesion", "first"]
    anna.press("Delete")
    anna.counts(count - 1)
    kept = anna.store.read()
    assert point not in kept
    assert tag in kept
    anna.wait()
    assert not anna.alike(LESION).any()


def test_the_seconds_are_those_since_the_answer_before(anna: Annotating) -> None:
    def told() -> int:
        found = re.search(r"answers · (?:(\d+) min )?(\d+) s", anna.page.locator("#spent").inner_text())
        assert found is not None
        return 60 * int(found[1] or 0) + int(found[2])

    anna.page.wait_for_timeout(1500)
    begun = time.monotonic()
    anna.answer(lambda: anna.press("l"))
    before = told()
    anna.page.wait_for_timeout(1500)
    label = anna.answer(lambda: anna.press("l"))
    assert 1.5 <= label.seconds <= time.monotonic() - begun
    assert told() - before == pytest.approx(label.seconds, abs=1)


def test_points_of_a_file_are_imported_and_drawn(anna: Annotating) -> None:
    anna.press("ArrowDown")
    anna.at(MIDDLE - 1)
    assert not anna.alike(LESION).any()
    point = Point(case="first", seconds=0, position=position(beacon(MIDDLE - 1)), label=1)
    file = {"name": "points.mrk.json", "mimeType": "application/json", "buffer": to_slicer([point]).encode()}
    for told in ("1 points added", "0 points added, 1 were there already"):
        anna.page.locator("#file").set_input_files(file)
        anna.page.locator("#toast", has_text=told).wait_for()
    assert [label.position for label in anna.store.read() if label.kind == "point"].count(point.position) == 1
    anna.wait()
    assert close(anna.middle_of(LESION), anna.beacon(), 4)
    anna.page.locator("#file").set_input_files(file | {"name": "points.txt"})
    anna.page.locator("#toast.wrong", has_text="neither .mrk.json nor .csv").wait_for()


def test_a_file_that_is_too_large_is_said_to_be(anna: Annotating) -> None:
    choose = """size => {
        const files = new DataTransfer();
        files.items.add(new File([new Uint8Array(size)], "points.csv"));
        file.files = files.files;
        file.dispatchEvent(new Event("change"));
    }"""
    anna.page.evaluate(choose, 39_500_000)
    told = "points.csv has 40 MB, at most 32 MB can be imported; import it in parts."
    anna.page.locator("#toast.wrong", has_text=told).wait_for()
    anna.page.route("**/api/import", lambda route: route.fulfill(status=413, body="Content Too Large"))
    anna.page.evaluate(choose, 10)
    anna.page.locator("#toast.wrong", has_text="more than the server takes at once; import it in parts").wait_for()


def test_points_are_saved_as_files(anna: Annotating) -> None:
    anna.answer(lambda: anna.click(anna.beacon()))
    points = [label for label in anna.store.read() if label.kind == "point"]
    saved = {}
    for link, name in (("csv", "points.csv"), ("slicer", "first.mrk.json")):
        with anna.page.expect_download() as download:
            anna.page.locator(f"#{link}").click()
        saved[link] = download.value.path().read_text()
        assert download.value.suggested_filename == name
    assert len(saved["csv"].splitlines()) == len(points) + 1
    here = [point for point in points if point.case == "first"]
    assert len(from_slicer(saved["slicer"], "first", "anna")) == len(here)


def test_gain_per_minute_is_shown(anna: Annotating) -> None:
    assert "Dice" not in anna.page.locator("#model").inner_text()
    for gained, shown in ((0.0123, "+0.012"), (-0.004, "\N{MINUS SIGN}0.004")):
        change_summary(anna.page, {"gain": {"run": "annotate-2", "dice": 0.51, "minutes": 3.04, "per_minute": gained}})
        anna.answer(lambda: anna.press("l"))
        told = f"{shown} Dice per minute · now 0.510, 3.0 min"
        anna.page.locator("#model", has_text=told).wait_for()
        anna.page.unroute_all()


def test_agreement_with_somebody_else_is_shown(anna: Annotating) -> None:
    assert anna.page.locator("#agreement").is_hidden()
    anna.store.append([ScanTag(case="second", seconds=1, annotator="ben", label=0)])
    anna.begin("second")
    anna.answer(lambda: anna.press("h"))
    anna.page.locator("#agreement", has_text="ben").wait_for()
    anna.page.locator("#agreement", has_text="tags: 100 % of 1").wait_for()
    anna.answer(lambda: anna.press("d"))
    anna.page.locator("#agreement", has_text="tags: 0 % of 1").wait_for()


def test_answers_before_those_in_the_list_come_when_somebody_goes_there(anna: Annotating) -> None:
    tag = {"case": "first", "seconds": 0, "annotator": "anna", "position": position((0, 0, 0)), "label": 0}
    anna.store.append([SliceTag(**tag) for _ in range(510)])
    anna.begin()
    listed = anna.page.locator("#answers .answer")
    assert listed.count() == 500
    listed.last.click()
    anna.at(0)
    anna.press(",")
    listed.nth(505).wait_for()


def test_a_scan_replaced_on_the_disk_is_not_mixed_with_the_one_that_is_open(anna: Annotating) -> None:
    image = anna.store.path.parent / "images" / "first.nii.gz"
    os.utime(image, (0, 0))
    before = anna.store.read()
    for act in (lambda: anna.press("PageUp"), lambda: anna.click(anna.beacon())):
        anna.page.evaluate("toast.textContent = ''")
        act()
        anna.page.locator("#toast.wrong", has_text="has changed on the disk; reload the page").wait_for()
        anna.at(MIDDLE)
    assert anna.store.read() == before
