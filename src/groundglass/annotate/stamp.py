"""Whether a file or folder is still what it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from groundglass.errors import InputError

Entry = tuple[str, int, int]


def stamp(path: Path) -> str:
    """A short text that changes when the file does; of a folder, when any file below it does.

    Files of a folder are looked at one by one: overwriting one of them leaves the folder's own time as it was.

    Raises:
        InputError: If it is gone.
    """
    try:
        entries = sorted(_below(str(path))) if path.is_dir() else [_entry("", path.stat())]
    except OSError as error:
        raise InputError(f"{path.name}: is no longer there; put it back or start the annotator again") from error
    return hashlib.blake2b(repr(entries).encode(), digest_size=8).hexdigest()


def _entry(name: str, status: os.stat_result) -> Entry:
    return name, status.st_mtime_ns, status.st_size


def _below(folder: str) -> Iterator[Entry]:
    """All files but hidden ones, which file managers write; a link that leads nowhere holds no slice."""
    with os.scandir(folder) as found:
        for one in found:
            if one.name.startswith("."):
                continue
            if one.is_dir(follow_symlinks=False):
                yield from _below(one.path)
            else:
                with suppress(FileNotFoundError):
                    yield _entry(one.path, one.stat())
