"""What becomes of an answer that does not get through, is refused, or is about no question."""

from __future__ import annotations

from typing import Any

import pytest
from browser import LESION
from browser import NEEDS_CHROMIUM
from browser import SHAPE
from browser import Annotating
from browser import Held
from browser import close
from browser import lose_replies

pytestmark = NEEDS_CHROMIUM

MIDDLE = SHAPE[0] // 2
ANSWERS = r"/api/answers$"
LEAVING = """() => {
    const leaving = new Event("beforeunload", { cancelable: true });
    dispatchEvent(leaving);
    return leaving.defaultPrevented;
}"""


def refuse(page: Any) -> None:
    """As the server does when it cannot write an answer."""
    page.route("**/api/answers", lambda route: route.fulfill(status=400, json={"error": "the disk is full"}))


def pending_mark_is_at(anna: Annotating, place: tuple[float, float]) -> bool:
    """Whether there is a mark that is not saved yet; it lets the image shine through."""
    mixed = (211, 141, 141)
    return bool(anna.alike(mixed).any()) and close(anna.middle_of(mixed), place, 12)


def test_an_answer_whose_acknowledgment_is_lost_is_sent_again_and_stored_once(anna: Annotating) -> None:
    before, count, bar = anna.store.read(), anna.count(), anna.page.locator("#unsaved")
    lost = lose_replies(anna.page, ANSWERS)
    place = anna.beacon()
    anna.click(place)
    bar.get_by_text("Your last answer is not saved yet; trying again").wait_for()
    assert anna.page.evaluate(LEAVING), "the browser asks before the page is left"
    anna.press("ArrowUp")
    anna.at(MIDDLE + 1)
    anna.press("ArrowDown")
    anna.at(MIDDLE)
    assert pending_mark_is_at(anna, place), "the mark stays, also when one goes elsewhere meanwhile"
    anna.press("l")
    bar.get_by_text("2 answers are not saved yet").wait_for()
    anna.press("z")
    anna.page.locator("#toast", has_text="Not yet: an answer is not saved yet.").wait_for()
    anna.until(lambda: len(lost) > 2)
    anna.page.unroute_all()
    anna.counts(count + 2)
    bar.wait_for(state="hidden")
    assert not anna.page.evaluate(LEAVING)
    assert lost == [200] * len(lost)
    assert [label.kind for label in anna.store.read()[len(before) :]] == ["point", "slice_tag"]
    assert close(anna.middle_of(LESION), place, 4)


def test_a_refused_answer_is_taken_away_and_its_seconds_go_on(anna: Annotating) -> None:
    anna.answer(lambda: anna.press("l"))
    anna.press("PageDown")
    anna.at(MIDDLE - 10)
    refuse(anna.page)
    anna.page.wait_for_timeout(1500)
    anna.click(anna.beacon())
    anna.page.locator("#toast.wrong", has_text="the disk is full").wait_for()
    anna.page.unroute_all()
    assert anna.page.locator("#unsaved").is_hidden()
    assert not anna.alike(LESION).any()
    assert anna.answer(lambda: anna.press("l")).seconds >= 1.5


def test_guided_mode_takes_no_seconds_away(anna: Annotating) -> None:
    anna.answer(lambda: anna.press("l"))
    anna.page.wait_for_timeout(1500)
    anna.press("g")
    anna.wait()
    anna.press("g")
    assert anna.answer(lambda: anna.press("l")).seconds >= 1.5


@pytest.mark.parametrize("there_is_none", [True, False])
def test_nothing_here_without_a_question_says_nothing_of_the_slice(anna: Annotating, there_is_none: bool) -> None:
    if there_is_none:
        anna.page.route("**/api/question", lambda route: route.fulfill(json=None))
    else:
        anna.page.route("**/api/question", lambda route: route.abort())
    with anna.page.expect_event("requestfinished" if there_is_none else "requestfailed"):
        anna.press("g")
    anna.wait()
    for key in "nu":
        assert "no question is open" in anna.refused(lambda key=key: anna.press(key))


def test_a_question_is_answered_once_however_long_the_answer_takes(anna: Annotating) -> None:
    anna.press("g")
    anna.wait()
    count, before = anna.count(), anna.store.read()
    held = Held(anna.page, ANSWERS)
    anna.press("n")
    anna.until(lambda: bool(held.waiting))
    assert "that question is answered" in anna.refused(lambda: anna.press("n"))
    held.let_go()
    anna.counts(count + 1)
    assert [label.kind for label in anna.store.read()[len(before) :]] == ["region"]
    refuse(anna.page)
    anna.wait()
    anna.press("n")
    anna.page.locator("#toast.wrong", has_text="the disk is full").wait_for()
    anna.page.unroute_all()
    assert anna.answer(lambda: anna.press("n")).kind == "region", "it is still open"
