"""Follows a label store that several servers append to, without reading it again for each click."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from groundglass.annotate.tally import Tally
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.store import DamagedLineError
from groundglass.labels.store import LabelStore
from groundglass.labels.store import is_whole
from groundglass.labels.store import parse_line

TORN = "the last line of {name} was cut off when it was written: it is left out, and removed with the next answer"
REPLACED = "{name} was replaced or cut by another program; it has been read anew"


class Journal:
    """The labels of a store that count, by case, kept up to date. Any number of threads may use it at once.

    Args:
        path: The ``.jsonl`` file; it need not exist yet.

    Raises:
        InputError: If a line of it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.store = LabelStore(path, path.name)  # the page shows names, not where they are kept
        self.notices: list[str] = []
        self._lock = threading.Lock()
        self._tally = Tally()
        self._forget()
        self.refresh()
        if self._rest and not self._early:
            self._say(TORN)

    def append(self, *labels: Label) -> None:
        """Append events, all or none; they are on the disk when this returns.

        Raises:
            InputError: If it could not be written, or a line of the file is damaged.
        """
        self.refresh()
        self.store.append(labels)
        self.refresh()

    def refresh(self) -> None:
        """Read what this or another process has appended.

        Raises:
            InputError: If the file cannot be read or a line is damaged; each time until that is mended.
        """
        with self._lock:
            try:
                self._read_on()
            except DamagedLineError:  # if it was edited in place, what was read before says nothing
                self._forget()
                self._read_on()

    def case(self, name: str) -> list[Label]:
        """Labels of a case that were not retracted, oldest first."""
        with self._lock:
            return self._tally.case(name)

    def __iter__(self) -> Iterator[Label]:
        """All labels that were not retracted, case by case, as of now."""
        with self._lock:
            return iter(list(self._tally))

    def in_order(self) -> list[Label]:
        """All labels that were not retracted, in the order they were written."""
        with self._lock:
            return self._tally.in_order()

    def find(self, id: str) -> Label | None:
        """A label that counts, by its id."""
        with self._lock:
            return self._tally.find(id)

    def knows(self, id: str) -> bool:
        """Whether an event of that id was ever written."""
        with self._lock:
            return self._tally.knows(id)

    def version(self, case: str) -> int:
        """Grows when the labels of a case change."""
        with self._lock:
            return self._tally.version(case)

    def spent(self, annotator: str) -> float:
        """Seconds of all answers of an annotator, of those taken back as well: that time is gone too."""
        with self._lock:
            return self._tally.spent(annotator)

    def _forget(self) -> None:
        self._tally = Tally(self._tally)
        self._inode: int | None = None
        self._offset = self._lines = 0  # of the whole lines that were read
        self._rest = self._early = b""  # the last line, if its end is not there; and if it was taken nevertheless

    def _read_on(self) -> None:
        *whole, self._rest = self._new_bytes().split(b"\n")
        for line in whole:
            self._take(line)
            self._offset += len(line) + 1
            self._lines += 1
            self._early = b""
        if is_whole(self._rest):
            self._take(self._rest)
            self._early = self._rest

    def _take(self, line: bytes) -> None:
        if line.strip() and line != self._early:
            self._tally.take(parse_line(self.store.name, self._lines + 1, line))

    def _new_bytes(self) -> bytes:
        """What comes after the whole lines that were read."""
        path = self.store.path
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                shorter = status.st_size < self._offset + len(self._early)
                if shorter or self._inode not in (None, status.st_ino):
                    self._start_anew()
                self._inode = status.st_ino
                file.seek(self._offset)
                return file.read()
        except FileNotFoundError:
            if self._offset or self._early:
                self._start_anew()
            return b""
        except OSError as error:
            raise InputError(f"{path.name}: the labels could not be read ({error.strerror}); check the file") from error

    def _start_anew(self) -> None:
        self._forget()
        self._say(REPLACED)

    def _say(self, notice: str) -> None:
        """Add a notice, unless it is there already."""
        if (text := notice.format(name=self.store.path.name)) not in self.notices:
            self.notices.append(text)
