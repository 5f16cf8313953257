"""The label store: one JSON object a line, only ever appended to."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
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
        """Append events with a single write and wait until they are on the disk."""
        lines = "".join(json.dumps(to_json(label)) + "\n" for label in labels).encode()
        if not lines:
            return
        self._mend_torn_line()
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(lines)
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: the labels could not be written ({error.strerror})") from error

    def read(self) -> list[Label]:
        """All events that were not retracted, oldest first.

        Raises:
            InputError: If a line other than a torn last one is not a label, with its number.
        """
        if not self.path.exists():
            return []
        self._mend_torn_line()
        labels = [self._parse(number, line) for number, line in enumerate(self._lines(), start=1) if line.strip()]
        retracted = {label.target for label in labels if isinstance(label, Retraction)}
        return [label for label in labels if not isinstance(label, Retraction) and label.id not in retracted]

    def _lines(self) -> list[str]:
        return self.path.read_text("utf-8").splitlines()

    def _parse(self, number: int, line: str) -> Label:
        try:
            return from_json(json.loads(line))
        except (json.JSONDecodeError, AttributeError, InputError) as error:
            raise InputError(f"{self.path}, line {number}: {error}; mend or remove that line") from error

    def _mend_torn_line(self) -> None:
        """A process killed while it wrote leaves a last line without its end: cut it off and say so."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return
        with self.path.open("rb+") as file:
            content = file.read()
            if content.endswith(b"\n"):
                return
            keep = content.rfind(b"\n") + 1
            file.truncate(keep)
        logger.warning("%s: its last line was cut off in writing and has been removed", self.path)
