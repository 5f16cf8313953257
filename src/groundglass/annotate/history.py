"""Undo and redo by appending: nothing is ever deleted from a store."""

from __future__ import annotations

import uuid
from dataclasses import replace

from groundglass.annotate.answers import now
from groundglass.annotate.journal import Journal
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Retraction

Entry = tuple[Label, Journal]


class History:
    """What each annotator has answered, across the label store and the skipped regions.

    Args:
        labels: The label store.
        skipped: The skipped regions.
    """

    def __init__(self, labels: Journal, skipped: Journal) -> None:
        self.journals = (labels, skipped)
        self._undone: dict[str, list[Entry]] = {}

    def own(self, annotator: str) -> list[Entry]:
        """An annotator's answers, oldest first."""
        entries = [(label, journal) for journal in self.journals for label in journal if label.annotator == annotator]
        return sorted(entries, key=lambda entry: entry[0].time or "")

    def undo(self, annotator: str) -> Label | None:
        """Retract the last answer.

        Raises:
            InputError: If it cannot be written.
        """
        own = self.own(annotator)
        if not own:
            return None
        label, _ = own[-1]
        self.retract(annotator, label.id)
        return label

    def redo(self, annotator: str) -> Label | None:
        """Append the answer that was retracted last once more, with another id.

        Raises:
            InputError: If it cannot be written.
        """
        undone = self._undone.get(annotator)
        if not undone:
            return None
        label, journal = undone[-1]
        again = replace(label, id=uuid.uuid4().hex, time=now())
        journal.append(again)
        undone.pop()
        return again

    def retract(self, annotator: str, id: str) -> Label:
        """Take an answer back; :meth:`redo` gives it again.

        Raises:
            InputError: If there is no such answer of this annotator, or it cannot be written.
        """
        for journal in self.journals:
            label = journal.find(id)
            if label is not None and label.annotator == annotator:
                journal.append(Retraction(case=label.case, seconds=0.0, annotator=annotator, time=now(), target=id))
                self._undone.setdefault(annotator, []).append((label, journal))
                return label
        raise InputError("that answer is not yours, or is no longer there; reload the page")

    def can_redo(self, annotator: str) -> bool:
        """Whether there is something to give again."""
        return bool(self._undone.get(annotator))

    def forget_undone(self, annotator: str) -> None:
        """A new answer ends what can be redone."""
        self._undone.pop(annotator, None)
