"""Which labels count, by case, kept up to date event by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from groundglass.labels.events import Label
from groundglass.labels.events import Retraction


class Tally:
    """What the events of a store come to.

    Args:
        before: What was counted before the store was read anew; versions go on from there.
    """

    def __init__(self, before: Tally | None = None) -> None:
        self._live: dict[str, dict[str, Label]] = {}
        self._by_id: dict[str, Label] = {}
        self._retracted: set[str] = set()
        self._versions: dict[str, int] = {name: count + 1 for name, count in before._versions.items()} if before else {}
        self._spent: dict[str, float] = {}
        self._undone: Counter[Label] = Counter()

    def take(self, label: Label) -> None:
        """Count an event."""
        if isinstance(label, Retraction):
            self._retracted.add(label.target)
            self._drop(label.target)
        elif label.id not in self._retracted:
            if label.id not in self._by_id:
                self._count_seconds(label)
            self._live.setdefault(label.case, {})[label.id] = label
            self._by_id[label.id] = label
        self._changed(label.case)

    def case(self, name: str) -> list[Label]:
        """Labels of a case that were not retracted, oldest first."""
        return list(self._live.get(name, {}).values())

    def __iter__(self) -> Iterator[Label]:
        """All labels that were not retracted, case by case."""
        return (label for labels in self._live.values() for label in labels.values())

    def find(self, id: str) -> Label | None:
        """A label that counts, by its id."""
        return self._by_id.get(id)

    def in_order(self) -> list[Label]:
        """All labels that were not retracted, in the order they were written."""
        return list(self._by_id.values())

    def knows(self, id: str) -> bool:
        """Whether there was ever an event of that id."""
        return id in self._by_id or id in self._retracted

    def version(self, case: str) -> int:
        """Grows when the labels of a case change."""
        return self._versions.get(case, 0)

    def spent(self, annotator: str) -> float:
        """Seconds of all answers, of those taken back as well; of one given again, once."""
        return self._spent.get(annotator, 0.0)

    def _drop(self, id: str) -> None:
        label = self._by_id.pop(id, None)
        if label is not None:
            self._live[label.case].pop(id, None)
            self._undone[_content(label)] += 1
            self._changed(label.case)

    def _count_seconds(self, label: Label) -> None:
        content = _content(label)
        if self._undone[content]:
            self._undone[content] -= 1
        else:
            self._spent[label.annotator] = self.spent(label.annotator) + label.seconds

    def _changed(self, case: str) -> None:
        self._versions[case] = self.version(case) + 1


def _content(label: Label) -> Label:
    """What stays the same when an answer is undone and given again."""
    return replace(label, id="", time=None)
