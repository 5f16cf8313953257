"""What the operating system has against reading a file, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundglass.errors import InputError

MAX_BYTES = 4 * 1024**3
"""The most a file may become in memory: above any chest CT, below what fills a laptop (decompression bombs)."""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the errors of reading ``path`` within the block into sentences.

    Raises:
        InputError: If there is no file or folder at ``path``, or reading fails for want of permission or in the middle.
    """
    try:
        _check_there(path)
        yield
    except OSError as error:
        reason = error.strerror or "damaged or not complete"
        raise InputError(f"{path}: cannot be read ({reason}); check the file and its permissions") from error


def _check_there(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the path")
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: neither a file nor a folder; give a scan")
