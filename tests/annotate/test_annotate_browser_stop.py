"""A training is stopped on the page."""

from __future__ import annotations

from browser import NEEDS_CHROMIUM
from browser import Annotating
from browser import change_summary

pytestmark = NEEDS_CHROMIUM


def test_a_training_can_be_stopped_and_begun_again(anna: Annotating) -> None:
    anna.answer(lambda: anna.click(anna.beacon()))
    before = anna.store.path.read_bytes()
    stop, train = anna.page.locator("#stop button"), anna.page.locator("#train")
    assert stop.count() == 0
    for number in (1, 2):
        train.click()
        stop.click()
        anna.page.locator("#model", has_text=f"annotate-{number} was stopped; the model is the one before").wait_for()
        train.wait_for()
        assert stop.count() == 0
    assert anna.page.locator("#model", has_text="none yet").count() == 1
    assert anna.store.path.read_bytes() == before


def test_a_stop_button_that_is_pressed_is_not_taken_away_by_the_next_epoch(anna: Annotating) -> None:
    training = {"state": "training", "epoch": 1, "epochs": 9, "dice": None, "message": "", "run": "annotate-7"}
    change_summary(anna.page, {"training": training})
    anna.page.reload()
    anna.page.locator("#model", has_text="epoch 1 of 9").wait_for()
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    anna.page.locator("#stop button").hover()
    anna.page.mouse.down()
    change_summary(anna.page, {"training": training | {"epoch": 2}})
    anna.page.locator("#model", has_text="epoch 2 of 9").wait_for()
    anna.page.mouse.up()
    anna.until(lambda: "stop" in asked)
    change_summary(anna.page, {"training": training | {"state": "stopping"}})
    anna.page.locator("#model", has_text="annotate-7: being stopped").wait_for()
    assert anna.page.locator("#stop button, #train").count() == 0
