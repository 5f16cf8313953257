"""The label store: one JSON object a line, only ever appended to."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Retraction
from groundglass.labels.events import from_json
from groundglass.labels.events import to_json

logger = logging.getLogger(__name__)


class DamagedLineError(InputError):
    """A line of a label store is not a label."""


def parse_line(name: str, number: int, line: bytes) -> Label:
    """The event in a line of a store.

    Args:
        name: The file as it is called in what is said.
        number: The line's, from 1.
        line: Its content.

    Raises:
        DamagedLineError: If it is no event.
    """
    try:
        return from_json(json.loads(line))
    except (ValueError, AttributeError, RecursionError) as error:  # not JSON, not text, not a label; not an object
        raise DamagedLineError(f"{name}, line {number}: {error}; mend or remove that line") from error


def is_whole(line: bytes) -> bool:
    """Whether a line without its end is all there: a part of an event is never JSON."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class LabelStore:
    """Label events in a JSON-lines file.

    Args:
        path: The ``.jsonl`` file; it need not exist yet.
        name: The file as it is called in what is said; by default the whole path.

    Example:
        >>> import tempfile
        >>> from groundglass.labels.events import ScanTag
        >>> store = LabelStore(Path(tempfile.mkdtemp()) / "labels.jsonl")
        >>> store.append([ScanTag(case="a", seconds=0.0, label=1)])
        >>> [label.kind for label in store.read()]
        ['scan_tag']
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)

    def append(self, labels: Iterable[Label]) -> None:
        """Append all events or none, and wait until they are on the disk.

        Raises:
            InputError: If the file cannot be written to, the disk is full, or an event could not be read again.
        """
        lines = b"".join(map(_line, labels))
        if not lines:
            return
        try:
            with self.path.open("ab+", buffering=0) as file:
                _lock(file)
                end, line_end = self._mend_end(file)
                _write_all_or_none(file, line_end + lines, end=end)
        except OSError as error:
            raise InputError(
                f"{self.name}: the labels could not be written ({error.strerror}); make room on the disk or mend the "
                "file's permissions, and give them again"
            ) from error

    def read(self) -> list[Label]:
        """All events that were not retracted, oldest first. The file is not touched.

        Raises:
            InputError: If the file cannot be read, or a line but a torn last one is not a label, with its number.
        """
        labels = self._events()
        retracted = {label.target for label in labels if isinstance(label, Retraction)}
        return [label for label in labels if not isinstance(label, Retraction) and label.id not in retracted]

    def ids(self) -> set[str]:
        """Of all events there ever were, retracted ones too.

        Raises:
            InputError: As :meth:`read`.
        """
        return {label.id for label in self._events()}

    def _events(self) -> list[Label]:
        return [parse_line(self.name, number, line) for number, line in enumerate(self._lines(), 1) if line.strip()]

    def _lines(self) -> list[bytes]:
        try:
            *lines, last = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.name}: the labels could not be read ({error.strerror}); check the file") from error
        if is_whole(last):
            return [*lines, last]
        if last:
            logger.warning("%s: its last line was cut off in writing and is left out", self.path)
        return lines

    def _mend_end(self, file: FileIO) -> tuple[int, bytes]:
        """A process killed while it wrote leaves a last line without its end.

        A line that lacks nothing but its newline was perhaps acknowledged: it stays. Any other is cut off, and said.

        Returns:
            The file's size after that, and the newline if it is lacking.
        """
        file.seek(0)
        content = file.readall()
        keep = content.rfind(b"\n") + 1
        if keep == len(content):
            return keep, b""
        if is_whole(content[keep:]):
            return len(content), b"\n"
        file.truncate(keep)
        logger.warning("%s: its last line was cut off in writing and has been removed", self.path)
        return keep, b""


def _line(label: Label) -> bytes:
    """An event as a line, once it is sure that it can be read again: a bad line would close the store to everybody."""
    record = to_json(label)
    from_json(record)
    return json.dumps(record).encode() + b"\n"


def _write_all_or_none(file: FileIO, lines: bytes, *, end: int) -> None:
    try:
        if file.write(lines) < len(lines):  # the disk was full after a part of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def _lock(file: FileIO) -> None:
    """Wait until no other process writes to ``file``; closing it lets the next one in. Windows has no such lock."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
