"""Bars that show how far something has come."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from rich.console import Console

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.progress import counted
from groundglass.datasets.progress import waiting_bars
from groundglass.datasets.samples import SliceSamples
from groundglass.prediction.evaluate import scored_cases


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def to_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """What is now a terminal's stderr, to which warnings go as the command line has it."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "__stderr__", screen)
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(screen)])
    return screen


def wait(console: Console | None) -> None:
    with waiting_bars(console) as bar:
        bar("never begun")
        bar("reading")(2, 3)
        logging.getLogger("groundglass").warning("case x is left out")


def test_an_item_is_done_when_the_next_is_asked_for() -> None:
    heard: list[tuple[int, ...]] = []
    items = counted("ab", lambda *count: heard.append(count))
    assert (next(items), heard) == ("a", [(0, 2)])
    assert (next(items), heard) == ("b", [(0, 2), (1, 2)])
    assert (list(items), heard) == ([], [(0, 2), (1, 2), (2, 2)])
    assert list(counted("ab", None)) == ["a", "b"]


def test_cases_are_counted_as_they_are_read(blobs: DatasetFolder) -> None:
    heard: list[tuple[int, ...]] = []
    SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), progress=lambda *count: heard.append(count))
    assert heard == [(done, 4) for done in range(5)]
    heard.clear()
    for _ in scored_cases(blobs, blobs.split.training[:1], progress=lambda *count: heard.append(count)):
        assert heard == [(0, 1)], "it is not done before it is scored"
    assert heard == [(0, 1), (1, 1)]


def test_bars_are_shown_with_warnings_above_them_and_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = to_screen(monkeypatch)
    screen = io.StringIO()
    wait(Console(file=screen, force_terminal=True, width=80, color_system=None))
    shown = screen.getvalue()
    assert "reading" in shown
    assert "2/3" in shown
    assert "never begun" not in shown
    assert "case x is left out\n" in shown
    assert shown.endswith("\x1b[1A\x1b[2K"), "the last line is taken away"
    assert stderr.getvalue() == ""
    logging.getLogger("groundglass").warning("afterwards")
    assert stderr.getvalue() == "afterwards\n"


def test_warnings_that_go_to_a_file_stay_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = to_screen(monkeypatch)
    monkeypatch.setattr(stderr, "isatty", lambda: False)
    wait(Console(file=io.StringIO(), force_terminal=True, width=80))
    assert stderr.getvalue() == "case x is left out\n"


def test_nothing_is_shown_where_it_is_quiet_or_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stderr = to_screen(monkeypatch)
    screen = io.StringIO()
    wait(Console(file=screen, force_terminal=False))
    wait(None)
    assert (screen.getvalue(), capsys.readouterr().out) == ("", "")
    assert stderr.getvalue() == "case x is left out\n" * 2
