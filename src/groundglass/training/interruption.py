"""A training that is told to end ends, whatever Lightning makes of the signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightning import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from groundglass.errors import Terminated


@contextmanager
def ending_on_signals(trainer: Trainer) -> Iterator[None]:
    """Within the block Ctrl-C and SIGTERM are not taken for the end of a training.

    Lightning turns both into ``SystemExit``, SIGTERM into one that says all went well; one that comes after the last
    batch is only noted.

    Raises:
        KeyboardInterrupt: After Ctrl-C; after SIGTERM it is a :class:`Terminated`.
    """
    try:
        yield
    except SIGTERMException as end:
        raise Terminated from end
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from end
        raise
    if trainer.received_sigterm:
        raise Terminated
