"""What the annotator knows and does, without HTTP: answers in, marks out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import dist
from typing import Any

from groundglass.annotate.answers import Answer
from groundglass.annotate.answers import to_event
from groundglass.annotate.answers import to_view
from groundglass.annotate.grids import Grids
from groundglass.annotate.guide import Guide
from groundglass.annotate.history import History
from groundglass.annotate.journal import Journal
from groundglass.annotate.questions import Question
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.merging import SAME_MM
from groundglass.labels.merging import lacking

View = dict[str, Any]

PAGE = 500
"""Answers that are listed at once."""


class Annotation:
    """The answers to one dataset.

    Args:
        source: Its cases.
        scans: Opens them.
        labels: The dataset's label store.
        skipped: Regions that were shown and not answered, in a store of their own: they are no labels.
        guide: Hands out questions.
    """

    def __init__(self, source: Source, scans: OpenScans, labels: Journal, skipped: Journal, guide: Guide) -> None:
        self.source = source
        self.scans = scans
        self.labels = labels
        self.skipped = skipped
        self.guide = guide
        self.history = History(labels, skipped)
        self.grids = Grids(scans)
        self._lock = threading.Lock()

    def answer(self, annotator: str, body: Any) -> View:
        """Keep an answer. When this returns it is on the disk.

        Raises:
            InputError: If the answer makes no sense, or the dataset has changed on the disk since it was shown.
        """
        answer = Answer(body)
        scan = self._scan(answer.text("case")).scan
        unsure = answer.text("kind") == "unsure"
        journal = self.skipped if unsure else self.labels
        with self._lock:
            journal.refresh()
            if journal.knows(answer.id()):  # sent again, because the acknowledgment was lost
                return self._sent_before(journal, answer.id(), annotator)
            question = self._asked(answer, annotator)
            event = to_event(answer, scan, annotator, question)
            self._check_new(event, question, unsure=unsure)
            journal.append(event)
            self.history.forget_undone(annotator)
        return to_view(event, scan) | {"skipped": unsure}

    def add(self, points: Sequence[Point], importer: str) -> dict[str, int]:
        """Keep points that were made elsewhere, all or none; those that are there already are left out.

        Args:
            points: The points; an empty annotator is not known.
            importer: Whose those of an unknown annotator become.

        Returns:
            How many were ``added``, and how many were there ``already``.

        Raises:
            InputError: If they could not be written.
        """
        with self._lock:
            self.labels.refresh()
            new = lacking(points, self.labels.case, self.labels.knows, importer)
            self.labels.append(*new)
            self.history.note_import(new)
        return {"added": len(new), "already": len(points) - len(new)}

    def undo(self, annotator: str) -> View | None:
        """Retract the annotator's last answer, of this session or of an earlier one; ``None`` if there is none.

        Raises:
            InputError: If its case is gone, or it cannot be written; nothing is retracted then.
        """
        while (label := self.history.last(annotator)) is not None:
            view = self.view(label)  # before anything is written, and without the lock, as it may take seconds
            with self._lock:
                if label != self.history.last(annotator):
                    continue
                self.history.retract(annotator, label.id)
            if isinstance(label, Region):
                self.guide.put(annotator, Question(label.case, view["slice"], view["rows"], view["columns"]))
            return view
        return None

    def redo(self, annotator: str) -> View | None:
        """Give the answer again that was undone last; ``None`` if there is none.

        Raises:
            InputError: If its case is gone, or it cannot be written; nothing is given again then.
        """
        while (label := self.history.last_undone(annotator)) is not None:
            self.view(label)
            with self._lock:
                if label != self.history.last_undone(annotator):
                    continue
                again = self.history.redo(annotator)
            return None if again is None else self.view(again)
        return None

    def retract(self, annotator: str, id: str) -> View:
        """Take back any one of the annotator's own answers.

        Raises:
            InputError: If there is no such answer, its case is gone, or it is somebody else's.
        """
        label = self.labels.find(id) or self.skipped.find(id)
        view = {} if label is None else self.view(label)
        with self._lock:
            self.history.retract(annotator, id)
        return view

    def marks(self, case: str) -> list[View]:
        """Everybody's labels of a case, to be drawn.

        Raises:
            InputError: If there is no such case, or the label store is damaged.
        """
        self.labels.refresh()
        scan = self.scans.get(case).scan
        return [to_view(label, scan) for label in self.labels.case(case)]

    def answers(self, annotator: str, *, before: str | None = None, limit: int = PAGE) -> list[View]:
        """The annotator's latest answers, newest first, without positions: those need the scan.

        Args:
            annotator: Whose.
            before: Id of the last answer of the page before; by default the list begins with the newest.
            limit: How many at most.

        Raises:
            InputError: If ``before`` is no answer of theirs.
        """
        return [
            {"id": label.id, "case": label.case, "kind": label.kind, "label": getattr(label, "label", None)}
            | {"seconds": label.seconds, "time": label.time, "skipped": journal is self.skipped}
            for label, journal in self.history.page(annotator, before, limit)
        ]

    def find(self, id: str) -> View:
        """Where an answer is.

        Raises:
            InputError: If there is no such answer.
        """
        label = self.labels.find(id) or self.skipped.find(id)
        if label is None:
            raise InputError("that answer is no longer there; reload the page")
        return self.view(label)

    def view(self, label: Label) -> View:
        """A label with indices of its scan."""
        return to_view(label, self.scans.grid(label.case)) | {"skipped": self.skipped.knows(label.id)}

    def _scan(self, case: str) -> Any:
        if self.source.has_changed:
            self.source.reload()
            self.source.image(case)
            raise InputError("the dataset was prepared anew since it was opened; reload the page and look again")
        return self.scans.check(case)

    def _asked(self, answer: Answer, annotator: str) -> Question | None:
        """The question the browser says it answers; it must still be open."""
        if answer.body.get("question") is None:
            return None
        question = self.guide.current(annotator)
        if question is None or (question.key, question.case) != (answer.text("question"), answer.text("case")):
            raise InputError("that question is no longer open; press Enter for the next one")
        return question

    def _check_new(self, event: Label, question: Question | None, *, unsure: bool) -> None:
        """An answer given twice, by a double click or two windows, counts once; and none contradicts a click."""
        if isinstance(event, Point) and any(_is_same(event, label) for label in self.labels.case(event.case)):
            raise InputError("you clicked there already; click somewhere else, or undo the first click")
        if not isinstance(event, Region) or question is None:
            return
        given = self.guide.own_answers(question, event.annotator)
        if any(isinstance(label, Region) for label in given):
            raise InputError("you have answered that question already; press Enter for the next one")
        if not unsure and any(isinstance(label, Point) and label.label == 1 for label in given):
            raise InputError("you clicked a lesion in this region; press Enter to go on")

    def _sent_before(self, journal: Journal, id: str, annotator: str) -> View:
        label = journal.find(id)
        if label is None or label.annotator != annotator:
            raise InputError("that answer has been taken back; reload the page")
        return self.view(label)


def _is_same(event: Point, label: Label) -> bool:
    """Whether an annotator has clicked there before: as close as an import takes two points for one."""
    if not isinstance(label, Point) or (label.annotator, label.label) != (event.annotator, event.label):
        return False
    return dist(label.position, event.position) <= SAME_MM
