"""Who is asked what: one open question an annotator, never the same for two at once."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from collections.abc import Collection

from groundglass.annotate.coverage import TAGS
from groundglass.annotate.coverage import Coverage
from groundglass.annotate.journal import Journal
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import QuestionSource
from groundglass.annotate.scans import OpenScans
from groundglass.errors import InputError
from groundglass.labels.events import NOT_PEOPLE
from groundglass.labels.events import Label


class Guide:
    """Hands out questions.

    Args:
        source: Chooses them; may be replaced when there is a better model.
        scans: Opens the scans.
        labels: Answers so far.
        skipped: Regions that nobody could answer.
        double_read: Share of the regions that everybody is asked, so that agreement can be told.
        learned: Gives the kinds of labels that are learned from; a tag of another kind closes no question.
    """

    def __init__(
        self,
        source: QuestionSource,
        scans: OpenScans,
        labels: Journal,
        skipped: Journal,
        *,
        double_read: float = 0.1,
        learned: Callable[[], Collection[str]] = lambda: TAGS,
    ) -> None:
        self.source = source
        self.scans = scans
        self.labels = labels
        self.skipped = skipped
        self.double_read = double_read
        self.learned = learned
        self._asked: dict[str, Question] = {}
        self._coverage: dict[tuple[int, str], tuple[int, Coverage]] = {}
        self._lock = threading.Lock()

    def current(self, annotator: str) -> Question | None:
        """The question an annotator is looking at."""
        return self._asked.get(annotator)

    def next(self, annotator: str) -> Question | None:
        """The annotator's open question, or the next one if it has been answered; ``None`` if nothing is left.

        Scans that cannot be read are left out.
        """
        while True:
            question = self._chosen(annotator)
            if question is None or self._can_be_seen(question):
                return question

    def put(self, annotator: str, question: Question) -> None:
        """Ask this next, for instance what has just been undone. Waits for nobody whose question is being chosen."""
        self._asked[annotator] = question

    def is_answered(self, question: Question, annotator: str) -> bool:
        """Whether this annotator has answered or skipped the question."""
        return any(annotator in self._cover(journal, question) for journal in (self.labels, self.skipped))

    def own_answers(self, question: Question, annotator: str) -> list[Label]:
        """What this annotator has said about the question, "unsure" too."""
        coverages = [self._covering(journal, question.case) for journal in (self.labels, self.skipped)]
        answers = [label for coverage in coverages for label in coverage.answers(question)]
        return [label for label in answers if label.annotator == annotator]

    def _chosen(self, annotator: str) -> Question | None:
        with self._lock:
            question = self._asked.get(annotator)
            if question is None or self._is_done(question, annotator):
                question = self.source.next(self._is_closed(annotator))
                if question is None:
                    self._asked.pop(annotator, None)
                else:
                    self._asked[annotator] = question
            return question

    def _can_be_seen(self, question: Question) -> bool:
        """Whether its slice can be shown; outside the lock, as opening a scan may take seconds."""
        try:
            self.scans.read(question.case).voxels(question.index, question.index + 1)
        except InputError as error:
            self.scans.left_out.add(question.case, error)
            return False
        return True

    def _is_done(self, question: Question, annotator: str) -> bool:
        """Whether it has been answered or cannot be: an unreadable scan must not stop the other questions."""
        if question.case in self.scans.left_out:
            return True
        try:
            return self.is_answered(question, annotator)
        except InputError as error:
            self.scans.left_out.add(question.case, error)
            return True

    def _is_closed(self, annotator: str) -> Callable[[Question], bool]:
        taken = {question.key for name, question in list(self._asked.items()) if name != annotator}

        def is_closed(question: Question) -> bool:
            if self._is_done(question, annotator):
                return True
            others = self._cover(self.labels, question)
            return not self._read_twice(question) and bool(others or question.key in taken)

        return is_closed

    def _read_twice(self, question: Question) -> bool:
        """The same regions for everyone, in every process."""
        return zlib.crc32(question.key.encode()) % 1000 < 1000 * self.double_read

    def _cover(self, journal: Journal, question: Question) -> set[str]:
        return self._covering(journal, question.case).annotators(question)

    def _covering(self, journal: Journal, case: str) -> Coverage:
        """What people have answered about a case; labels made from masks are nobody's answers."""
        key = (id(journal), case)
        version = journal.version(case)
        known = self._coverage.get(key)
        if known is None or known[0] != version:
            given = [label for label in journal.case(case) if label.annotator not in NOT_PEOPLE]
            known = self._coverage[key] = (version, self._coverage_of(given, case))
        return known[1]

    def _coverage_of(self, labels: list[Label], case: str) -> Coverage:
        tagged = any(label.kind in TAGS for label in labels)  # else nobody need know what the recipe learns from
        return Coverage(labels, self.scans.grid(case), tags=self.learned() if tagged else TAGS)
