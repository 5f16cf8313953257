"""What the page makes of news from the server, and what it leaves as it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser import BACKGROUND
from browser import NEEDS_CHROMIUM
from browser import SHAPE
from browser import Annotating
from browser import Held
from browser import beacon
from browser import change_summary
from browser import close
from browser import position

from groundglass.labels.events import Point
from groundglass.labels.events import SliceTag

pytestmark = NEEDS_CHROMIUM

MIDDLE = SHAPE[0] // 2


def poll(anna: Annotating) -> None:
    """Wait until the page has heard news."""
    with anna.page.expect_response("**/api/summary") as reply:
        pass
    reply.value.finished()
    anna.page.wait_for_timeout(100)


@pytest.mark.parametrize("pattern", ["/api/answers$", r"/slices/\d+(\?|$)"], ids=["before", "while"])
def test_a_scan_chosen_while_the_first_one_is_being_opened_stays(anna: Annotating, pattern: str) -> None:
    held = Held(anna.page, pattern)
    anna.page.reload()
    anna.until(lambda: len(held.waiting) == 1)
    with anna.page.expect_request("**/cases/second"):
        anna.page.locator("#case").select_option("second")
    anna.page.wait_for_timeout(100)
    held.let_go()
    anna.page.locator("#slicer[href*='/second/']").wait_for()
    anna.wait()
    anna.page.wait_for_timeout(300)
    anna.wait()
    assert anna.page.locator("#case").input_value() == "second"
    assert "/second/" in anna.page.locator("#slicer").get_attribute("href")


def test_news_that_count_an_answer_on_its_way_back_ask_for_nothing(anna: Annotating) -> None:
    requests: list[str] = []
    kept: list[tuple[Any, Any]] = []
    anna.page.route(re.compile("/api/answers$"), lambda route: kept.append((route, route.fetch())))
    anna.page.on("request", lambda request: requests.append(request.url))
    anna.press("l")
    anna.until(lambda: len(kept) == 1)
    poll(anna)
    route, reply = kept[0]
    route.fulfill(response=reply)
    poll(anna)
    assert not [one for one in requests if one.endswith("/cases/first")]


def test_marks_of_others_are_drawn_while_one_looks_on(anna: Annotating) -> None:
    requests: list[str] = []
    anna.page.on("request", lambda request: requests.append(request.url))
    anna.answer(lambda: anna.press("l"))
    poll(anna)
    assert not [one for one in requests if one.endswith("/cases/first")], "of one's own answers all is known"
    assert not anna.alike(BACKGROUND).any()
    others = Point(case="first", seconds=1, annotator="ben", position=position(beacon(MIDDLE)), label=0)
    anna.store.append([others])
    anna.until(lambda: bool(anna.alike(BACKGROUND).any()))
    assert close(anna.middle_of(BACKGROUND), anna.beacon(), 4)


def test_news_take_no_button_and_no_list_away(anna: Annotating) -> None:
    tag = {"case": "first", "seconds": 0, "annotator": "anna", "position": position((0, 0, 0)), "label": 0}
    anna.store.append([SliceTag(**tag) for _ in range(60)])
    anna.begin()
    anna.press(",")
    anna.page.locator("#answers [aria-pressed=true]").wait_for()
    anna.wait()
    anna.page.evaluate("() => { answers.scrollTop = 9999; kept = document.querySelector('#case option'); }")
    scrolled = anna.page.evaluate("answers.scrollTop")
    assert scrolled > 100
    cases = [{"case": name, "part": "training", "answers": 700} for name in ("first", "second")]
    change_summary(anna.page, {"cases": cases, "notices": ["something new"]})
    box = anna.page.locator("#windows button", has_text="Soft tissue").bounding_box()
    anna.page.mouse.move(box["x"] + 5, box["y"] + 5)
    anna.page.mouse.down()
    poll(anna)
    assert anna.page.locator("#notices").inner_text() == "something new"
    assert anna.page.locator("#case option").all_inner_texts() == ["first · 700", "second · 700"]
    assert anna.page.evaluate("kept.isConnected && kept.textContent") == "first · 700"
    assert anna.page.evaluate("answers.scrollTop") == scrolled
    assert anna.page.evaluate("document.activeElement.textContent") == "Soft tissue"
    anna.page.mouse.up()
    anna.page.locator("#windows [aria-pressed=true]", has_text="Soft tissue").wait_for()
    anna.page.locator("#train").focus()
    change_summary(anna.page, {"gain": {"run": "annotate-2", "dice": 0.5, "minutes": 3.0, "per_minute": 0.01}})
    poll(anna)
    anna.page.locator("#model", has_text="0.010 Dice per minute").wait_for()
    assert anna.page.evaluate("document.activeElement.id") == "train", "a section that has changed keeps the keyboard"
