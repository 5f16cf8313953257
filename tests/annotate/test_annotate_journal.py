"""Following a label store: many threads, other processes, torn and damaged lines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundglass.annotate.journal import Journal
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Retraction
from groundglass.labels.events import ScanTag
from groundglass.labels.events import to_json


def tag(id: str, **changes: object) -> Label:
    return ScanTag(**{"case": "a", "seconds": 2.0, "label": 1, "annotator": "anna", "id": id, **changes})  # type: ignore[arg-type]


def line(label: Label) -> bytes:
    return json.dumps(to_json(label)).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def ids(journal: Journal) -> list[str]:
    return [label.id for label in journal.case("a")]


def test_many_threads_read_on_at_once_and_nothing_is_said_or_counted_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    journal.store.append([tag("x"), tag("y")])
    together = threading.Barrier(4)
    read = Path.open

    @contextmanager
    def reads_slowly(self: Path, *given: Any, **options: Any) -> Iterator[Any]:
        with read(self, *given, **options) as file:
            content = file.read
            file = SimpleNamespace(fileno=file.fileno, seek=file.seek, read=lambda: _wait(together, content()))
            yield file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", reads_slowly)
        threads = [threading.Thread(target=journal.refresh) for _ in range(together.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    journal.append(tag("z"))
    assert journal.notices == []
    assert ids(journal) == ["x", "y", "z"]


def _wait(together: threading.Barrier, content: bytes) -> bytes:
    """All threads have read the same before one goes on, if they are let in."""
    try:
        together.wait(0.1)
    except threading.BrokenBarrierError:
        together.reset()
    return content


def test_labels_are_looked_through_while_others_come(path: Path) -> None:
    journal = Journal(path)
    journal.append(tag("x"), tag("y", case="b"))
    labels = iter(journal)
    journal.append(*(tag(f"z{number}", case=f"c{number}") for number in range(50)))
    assert [label.id for label in labels] == ["x", "y"]


def test_a_store_replaced_twice_is_said_once(path: Path) -> None:
    journal = Journal(path)
    for _ in range(3):
        journal.append(tag("x"))
        path.unlink()
        journal.refresh()
        assert ids(journal) == []
    assert len(journal.notices) == 1


def test_a_last_line_that_only_lacks_its_newline_counts_once(path: Path) -> None:
    path.write_bytes(line(tag("x")) + b"\n" + line(tag("y")))
    journal = Journal(path)
    version = journal.version("a")
    journal.refresh()
    assert (ids(journal), journal.notices, journal.version("a")) == (["x", "y"], [], version)
    journal.append(tag("z"))
    assert ids(journal) == ["x", "y", "z"]
    assert path.read_bytes().count(b"\n") == 3
    assert journal.notices == []
    assert [label.id for label in journal.store.read()] == ["x", "y", "z"]


def test_a_last_line_without_newline_that_is_cut_off_later_is_forgotten(path: Path) -> None:
    path.write_bytes(line(tag("x")) + b"\n" + line(tag("y")))
    journal = Journal(path)
    path.write_bytes(line(tag("x")) + b"\n")
    journal.refresh()
    assert ids(journal) == ["x"]


def test_a_line_half_written_by_another_process_is_taken_when_it_is_whole(path: Path) -> None:
    journal = Journal(path)
    journal.append(tag("x"))
    with path.open("ab", buffering=0) as file:
        file.write(line(tag("y"))[:20])
        journal.refresh()
        assert ids(journal) == ["x"]
        file.write(line(tag("y"))[20:])
        journal.refresh()
        assert ids(journal) == ["x", "y"]
        file.write(b"\n" + line(tag("z")) + b"\n")
        journal.refresh()
    assert ids(journal) == ["x", "y", "z"]
    assert journal.notices == []


def test_a_damaged_line_is_refused_until_it_is_mended_and_then_all_is_seen(path: Path) -> None:
    journal = Journal(path)
    journal.append(tag("x"))
    with path.open("ab") as file:
        file.write(b"not a label\n" + line(tag("y")) + b"\n" + line(tag("z")) + b"\n")
    said = set()
    for _ in range(3):
        with pytest.raises(InputError, match=r"labels\.jsonl, line 2: .*; mend or remove that line$") as refused:
            journal.refresh()
        said.add(str(refused.value))
        with pytest.raises(InputError, match="line 2"):
            journal.append(tag("w"))
    assert len(said) == 1
    assert b'"w"' not in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"not a label\n", b""))  # in place, as some editors do
    journal.append(tag("w"))
    assert ids(journal) == ["x", "y", "z", "w"]


def test_a_line_before_the_damaged_one_may_be_mended_as_well(path: Path) -> None:
    journal = Journal(path)
    journal.append(tag("x"))
    path.write_bytes(path.read_bytes() + b"[]\n")
    with pytest.raises(InputError, match="line 2"):
        journal.refresh()
    path.write_bytes(line(tag("a longer name")) + b"\n" + line(tag("y")) + b"\n")
    journal.refresh()
    assert ids(journal) == ["a longer name", "y"]


def test_time_is_spent_even_if_the_answer_is_taken_back_but_not_twice(path: Path) -> None:
    journal = Journal(path)
    journal.append(tag("x", time="1"), tag("y", seconds=5.0, time="2"), tag("z", annotator="ben"))
    undo = Retraction(case="a", seconds=0.0, annotator="anna", target="y")
    journal.append(undo)
    assert journal.spent("anna") == 7.0
    journal.append(tag("again", seconds=5.0, time="3"))  # redo
    assert journal.spent("anna") == 7.0
    journal.append(tag("more", seconds=5.0, time="4"))
    for one in (journal, Journal(path)):
        assert (one.spent("anna"), one.spent("ben"), one.spent("cleo")) == (12.0, 2.0, 0.0)
