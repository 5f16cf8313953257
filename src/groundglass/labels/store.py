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


class LabelStore:
    """Label events in a JSON-lines file.

    Args:
        path: The ``.jsonl`` file; it need not exist yet.

    Example:
        >>> import tempfile
        >>> from groundglass.labels.events import ScanTag
        >>> store = LabelStore(Path(tempfile.mkdtemp()) / "labels.jsonl")
        >>> store.append([ScanTag(case="a", seconds=0.0, label=1)])
        >>> [label.kind for label in store.read()]
        ['scan_tag']
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, labels: Iterable[Label]) -> None:
        """Append all events or none, and wait until they are on the disk.

        Raises:
            InputError: If the file cannot be written to or the disk is full.
        """
        lines = "".join(json.dumps(to_json(label)) + "\n" for label in labels).encode()
        if not lines:
            return
        try:
            with self.path.open("ab+", buffering=0) as file:
                _lock(file)
                _write_all_or_none(file, lines, end=self._cut_torn_line(file))
        except OSError as error:
            raise InputError(f"{self.path}: the labels could not be written ({error.strerror})") from error

    def read(self) -> list[Label]:
        """All events that were not retracted, oldest first. The file is not touched.

        Raises:
            InputError: If the file cannot be read, or a line but a torn last one is not a label, with its number.
        """
        labels = [self._parse(number, line) for number, line in enumerate(self._lines(), start=1) if line.strip()]
        retracted = {label.target for label in labels if isinstance(label, Retraction)}
        return [label for label in labels if not isinstance(label, Retraction) and label.id not in retracted]

    def _lines(self) -> list[bytes]:
        try:
            whole, _, torn = self.path.read_bytes().rpartition(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.path}: the labels could not be read ({error.strerror})") from error
        if torn:
            logger.warning("%s: its last line was cut off in writing and is left out", self.path)
        return whole.split(b"\n")

    def _parse(self, number: int, line: bytes) -> Label:
        try:
            return from_json(json.loads(line))
        except (ValueError, AttributeError) as error:  # not JSON, not text, not a label; not an object
            raise InputError(f"{self.path}, line {number}: {error}; mend or remove that line") from error

    def _cut_torn_line(self, file: FileIO) -> int:
        """A process killed while it wrote leaves a last line without its end: cut it off and say so.

        Returns:
            The file's size after that.
        """
        file.seek(0)
        content = file.readall()
        keep = content.rfind(b"\n") + 1
        if keep < len(content):
            file.truncate(keep)
            logger.warning("%s: its last line was cut off in writing and has been removed", self.path)
        return keep


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
