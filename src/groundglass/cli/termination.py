"""SIGTERM ends a command as Ctrl-C does, so that nothing is left half written and the user is told how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from groundglass.errors import Terminated


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Within the block SIGTERM, which batch systems send, is an exception; elsewhere it ends the process at once.

    A handler that somebody else set stays, and so does everything outside the main thread, which gets no signals.

    Raises:
        Terminated: At SIGTERM.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
