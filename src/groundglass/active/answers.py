"""The answers a run has bought, on the disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.labels.events import Label
from groundglass.labels.events import to_json
from groundglass.labels.store import LabelStore


class Answers:
    """A run's own label store. What stands in it behind the answers that the run's state knows of was never counted.

    Args:
        path: Its file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.store = LabelStore(path)

    def first(self, count: int) -> list[Label]:
        """The answers that a run's state counts.

        Raises:
            InputError: If there are fewer, or the file is damaged.
        """
        labels = self.store.read()
        if len(labels) < count:
            raise InputError(
                f"{self.store.path}: has {len(labels)} of the {count} answers this run has bought; "
                "put the whole file back, or start another run"
            )
        return labels[:count]

    def keep(self, count: int) -> None:
        """Drop what a run wrote that was stopped before it saved its state, or that a larger budget asks otherwise."""
        labels = self.store.read()
        if len(labels) > count:
            lines = (json.dumps(to_json(label)) + "\n" for label in labels[:count])
            write_text(self.store.path, "".join(lines))

    def add(self, labels: Sequence[Label]) -> None:
        """Append answers; they are on the disk when this returns."""
        self.store.append(labels)
