"""Undo and redo by appending: nothing is ever deleted from a store."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from groundglass.annotate.answers import now
from groundglass.annotate.journal import Journal
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Retraction

Entry = tuple[Label, Journal]

OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
"""A time as this program writes it: those sort as text."""


class History:
    """What each annotator has answered, across the label store and the skipped regions.

    Args:
        labels: The label store.
        skipped: The skipped regions.
    """

    def __init__(self, labels: Journal, skipped: Journal) -> None:
        self.journals = (labels, skipped)
        self._undone: dict[str, list[Entry]] = {}
        self._imported: dict[str, str] = {}

    def own(self, annotator: str) -> list[Entry]:
        """An annotator's answers, in the order they were given, imported ones when they were imported."""
        entries = [entry for journal in self.journals for entry in self._timed(journal, annotator)]
        return [entry for _, entry in sorted(entries, key=lambda one: one[0])]

    def note_import(self, labels: Sequence[Label]) -> None:
        """Remember that these have come just now, whenever they were made."""
        self._imported |= dict.fromkeys((label.id for label in labels), now())

    def last(self, annotator: str) -> Label | None:
        """The last answer, which an undo would retract."""
        own = self.own(annotator)
        return own[-1][0] if own else None

    def page(self, annotator: str, before: str | None, limit: int) -> list[Entry]:
        """An annotator's answers, newest first.

        Args:
            annotator: Whose.
            before: Id of the last answer of the page before; ``None`` for the first page.
            limit: How many at most.

        Raises:
            InputError: If ``before`` is no answer of theirs.
        """
        own = self.own(annotator)[::-1]
        if before is None:
            return own[:limit]
        for number, (label, _) in enumerate(own, start=1):
            if label.id == before:
                return own[number : number + limit]
        raise InputError("that answer is no longer there; reload the page")

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

    def last_undone(self, annotator: str) -> Label | None:
        """What :meth:`redo` would give again."""
        undone = self._undone.get(annotator)
        return undone[-1][0] if undone else None

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

    def _timed(self, journal: Journal, annotator: str) -> list[tuple[str, Entry]]:
        """An annotator's answers as they were written, each with a time by which those of two journals can be merged.

        What an earlier session imported has no time, or an old one, or any text: it came after what is before it.
        """
        entries, latest, end = [], "", now()
        for label in journal.in_order():
            time = self._imported.get(label.id, label.time)
            if time is not None and OWN_TIME.fullmatch(time) and latest < time <= end:
                latest = time
            if label.annotator == annotator:
                entries.append((latest, (label, journal)))
        return entries
