"""Follows a label store that several servers append to, without reading it again for each click."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Retraction
from groundglass.labels.events import from_json
from groundglass.labels.store import LabelStore

TORN = "the last line of {name} was cut off when it was written: it is left out, and removed with the next answer"
REPLACED = "{name} was replaced or cut by another program; it has been read anew"


class Journal:
    """The labels of a store that count, by case, kept up to date.

    Args:
        path: The ``.jsonl`` file; it need not exist yet.

    Raises:
        InputError: If a line of it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.store = LabelStore(path)
        self.notices: list[str] = []
        self._forget()
        self.refresh()
        if self._torn():
            self.notices.append(TORN.format(name=path.name))

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
            InputError: If the file cannot be read or a line is damaged.
        """
        new = self._new_bytes()
        for line in new.split(b"\n") if new else []:
            self._lines += 1
            if line.strip():
                self._take(self._parse(line))

    def case(self, name: str) -> list[Label]:
        """Labels of a case that were not retracted, oldest first."""
        return list(self._live.get(name, {}).values())

    def __iter__(self) -> Iterator[Label]:
        """All labels that were not retracted, case by case."""
        return (label for labels in self._live.values() for label in labels.values())

    def find(self, id: str) -> Label | None:
        """A label that counts, by its id."""
        case = self._case_of.get(id)
        return None if case is None else self._live[case].get(id)

    def knows(self, id: str) -> bool:
        """Whether an event of that id was ever written."""
        return id in self._case_of or id in self._retracted

    def version(self, case: str) -> int:
        """Grows when the labels of a case change."""
        return self._versions.get(case, 0)

    def _forget(self) -> None:
        self._offset = self._lines = 0
        self._inode: int | None = None
        self._live: dict[str, dict[str, Label]] = {}
        self._case_of: dict[str, str] = {}
        self._retracted: set[str] = set()
        self._versions: dict[str, int] = {name: count + 1 for name, count in getattr(self, "_versions", {}).items()}

    def _new_bytes(self) -> bytes:
        """Whole lines behind what has been read, without the last line's end."""
        path = self.store.path
        try:
            status = path.stat()
            if self._inode not in (None, status.st_ino) or status.st_size < self._offset:
                self._start_anew()
            self._inode = status.st_ino
            if status.st_size == self._offset:
                return b""
            with path.open("rb") as file:
                file.seek(self._offset)
                whole, end, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            if self._offset:
                self._start_anew()
            return b""
        except OSError as error:
            raise InputError(f"{path.name}: the labels could not be read ({error.strerror})") from error
        self._offset += len(whole) + len(end)
        return whole

    def _start_anew(self) -> None:
        self._forget()
        self.notices.append(REPLACED.format(name=self.store.path.name))

    def _parse(self, line: bytes) -> Label:
        try:
            return from_json(json.loads(line))
        except (ValueError, AttributeError) as error:
            name = self.store.path.name
            raise InputError(f"{name}, line {self._lines}: {error}; mend or remove that line, then restart") from error

    def _take(self, label: Label) -> None:
        if isinstance(label, Retraction):
            self._retracted.add(label.target)
            self._drop(label.target)
        elif label.id not in self._retracted:
            self._live.setdefault(label.case, {})[label.id] = label
            self._case_of[label.id] = label.case
        self._versions[label.case] = self.version(label.case) + 1

    def _drop(self, id: str) -> None:
        case = self._case_of.pop(id, None)
        if case is not None:
            self._live[case].pop(id, None)
            self._versions[case] = self.version(case) + 1

    def _torn(self) -> bool:
        path = self.store.path
        return path.exists() and path.stat().st_size > self._offset
