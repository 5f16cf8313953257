"""Writing files so that a reader sees the old one or the new one, never half of it."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

from groundglass.errors import InputError

LEFTOVER = re.compile(r"\.[0-9a-f]{32}-")
"""How names of the temporary files of :func:`replacing` begin."""

TRIAL_BYTES = 2**16


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not.

    Raises:
        InputError: If the disk is full or the folder cannot be written to; what stood at ``path`` is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{uuid.uuid4().hex}-{path.name}")
        temporary.open("xb").close()
        yield temporary
        with temporary.open("rb+") as file:  # Windows cannot flush a file opened to read
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: could not be written ({error.strerror or error}); make room or choose another folder, "
            "what was there before is untouched"
        ) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def check_writable(folder: Path) -> None:
    """See that something can be written to a folder that may not be there yet, before any work is done for it.

    Raises:
        InputError: If not, for want of permission or of room.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(TRIAL_BYTES))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror or error}); make room or choose another folder"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of :func:`replacing` that a process killed while writing left in ``folder``.

    Only for a folder that nobody else writes to at the moment.
    """
    for path in folder.glob(".*-*"):
        if LEFTOVER.match(path.name):
            path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, all or nothing."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8, all or nothing."""
    write_bytes(path, content.encode())
