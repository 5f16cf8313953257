"""A training that is told to end ends, whatever Lightning makes of the signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lightning import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from groundglass.errors import Terminated


@contextmanager
def ending_on_signals(trainer: Trainer) -> Iterator[None]:
    """Within the block Ctrl-C and SIGTERM are not taken for the end of a training.

    SIGTERM is left to Lightning, which ends between two batches: a handler of before would end in the middle of one.
    Lightning turns both into ``SystemExit``, SIGTERM into one that says all went well; one that comes after the last
    batch is only noted.

    Raises:
        KeyboardInterrupt: After Ctrl-C; after SIGTERM it is a :class:`Terminated`.
    """
    try:
        with _sigterm_left_alone():
            yield
    except SIGTERMException as end:
        raise Terminated from end
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from end
        raise
    if trainer.received_sigterm:
        raise Terminated


@contextmanager
def _sigterm_left_alone() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # handlers belong to the main thread
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
