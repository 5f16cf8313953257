"""How far something has come that goes from case to case, and a bar that shows it while one waits."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich import progress as bars
from rich.console import Console

Progress = Callable[[int, int], None]
"""Called with the number of cases that are done, and their total."""

T = TypeVar("T")


def counted(items: Collection[T], progress: Progress | None) -> Iterator[T]:
    """The items one by one; ``progress`` hears of each when it is done, which is when the next one is asked for."""
    for done, item in enumerate(items):
        if progress is not None:
            progress(done, len(items))
        yield item
    if progress is not None:
        progress(len(items), len(items))


@contextmanager
def waiting_bars(console: Console | None) -> Iterator[Callable[[str], Progress]]:
    """Bars that are gone when the waiting is over, so that they are shown on a terminal alone.

    Args:
        console: Where they are shown, or ``None``.

    Yields:
        Makes the ``progress`` of what is named; its bar is there once it has been called.
    """
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with (
        bars.Progress(
            *columns,
            bars.TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=console is None or not console.is_terminal,
            redirect_stderr=sys.stderr.isatty(),  # a file of warnings stays one
        ) as shown,
        _warnings_above(),
    ):
        yield lambda title: _bar(shown, title)


@contextmanager
def _warnings_above() -> Iterator[None]:
    """Let warnings go where stderr goes now, which is above the bars; handlers hold on to what it was before."""
    before = sys.__stderr__
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, logging.StreamHandler)]
    moved = [one for one in handlers if one.stream is before]
    for handler in moved:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in moved:
            handler.setStream(before)


def _bar(shown: bars.Progress, title: str) -> Progress:
    task = shown.add_task(title, total=None, visible=False)
    return lambda done, total: shown.update(task, completed=done, total=total, visible=True)
