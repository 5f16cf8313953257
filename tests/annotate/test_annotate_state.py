"""Answers, undo and redo, two people, and files that change under the server."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.journal import Journal
from groundglass.annotate.questions import Question
from groundglass.annotate.state import Annotation
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag

Answer = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, TestClient]]


def kinds(annotation: Annotation) -> list[str]:
    return [label.kind for label in annotation.labels.store.read()]


def test_tags_of_slices_and_scans_are_kept(annotation: Annotation, answer: Answer) -> None:
    annotation.answer("anna", answer(kind="slice_tag", slice=1, label=1))
    annotation.answer("anna", answer(kind="nothing", slice=0))
    annotation.answer("anna", answer(kind="scan_tag", label=0))
    one, other, scan = annotation.labels.store.read()
    assert isinstance(one, SliceTag)
    assert isinstance(other, SliceTag)
    assert isinstance(scan, ScanTag)
    assert (one.label, other.label, scan.label) == (1, 0, 0)
    assert one.position[2] - other.position[2] == pytest.approx(5.0)
    assert [mark["slice"] for mark in annotation.marks("case0") if mark["kind"] == "slice_tag"] == [1, 0]


def test_nothing_here_answers_the_asked_region_and_the_next_one_is_another(
    annotation: Annotation, answer: Answer
) -> None:
    question = annotation.guide.next("anna")
    assert question is not None
    assert annotation.guide.next("anna") is question, "an open question stays"
    about = {"case": question.case, "slice": question.index, "question": question.key}
    view = annotation.answer("anna", answer(kind="nothing", **about))
    (region,) = annotation.labels.store.read()
    assert isinstance(region, Region)
    assert (view["slice"], view["rows"], view["columns"]) == (question.index, [*question.rows], [*question.columns])
    following = annotation.guide.next("anna")
    assert following is not None
    assert following.key != question.key
    with pytest.raises(InputError, match="no longer open"):
        annotation.answer("anna", answer(kind="nothing", **about))


def about(annotation: Annotation, name: str = "anna") -> tuple[Question, dict[str, Any]]:
    """A question, and what every answer to it says."""
    question = annotation.guide.next(name)
    assert question is not None
    return question, {"case": question.case, "slice": question.index, "question": question.key}


def in_it(question: Question) -> dict[str, float]:
    return {"row": float(question.rows[0]), "column": float(question.columns[0])}


@pytest.mark.parametrize("kind", ["nothing", "unsure"])
@pytest.mark.parametrize("again", ["nothing", "unsure"])
def test_a_question_is_answered_once(annotation: Annotation, answer: Answer, kind: str, again: str) -> None:
    _, asked = about(annotation)
    annotation.answer("anna", answer(kind=kind, **asked))
    with pytest.raises(InputError, match="answered that question already; press Enter"):
        annotation.answer("anna", answer(kind=again, **asked))
    assert len(annotation.labels.store.read() + annotation.skipped.store.read()) == 1
    annotation.undo("anna")
    annotation.answer("anna", answer(kind=again, **asked))


def test_a_region_with_a_lesion_that_one_clicked_is_not_empty(annotation: Annotation, answer: Answer) -> None:
    question, asked = about(annotation)
    click = answer(**asked, **in_it(question))
    annotation.answer("anna", click)
    with pytest.raises(InputError, match="clicked a lesion in this region; press Enter to go on"):
        annotation.answer("anna", answer(kind="nothing", **asked))
    assert kinds(annotation) == ["point"]
    annotation.retract("anna", click["id"])
    annotation.answer("anna", answer(label=0, **asked, **in_it(question)))
    annotation.answer("anna", answer(kind="nothing", **asked))
    assert kinds(annotation) == ["point", "region"], "background was clicked, and that is all there is"


def test_what_another_clicked_is_no_hindrance(annotation: Annotation, answer: Answer) -> None:
    question, asked = about(annotation)
    annotation.answer("ben", answer(**{**asked, "question": None}, **in_it(question)))
    annotation.answer("anna", answer(kind="nothing", **asked))
    assert kinds(annotation) == ["point", "region"]


def test_a_double_click_counts_once(annotation: Annotation, answer: Answer) -> None:
    annotation.answer("anna", answer())
    for row in (24.0, 24.05):  # 0.045 mm beside it
        with pytest.raises(InputError, match="clicked there already"):
            annotation.answer("anna", answer(row=row))
    annotation.answer("anna", answer(label=0))
    annotation.answer("anna", answer(row=24.5))
    annotation.answer("ben", answer())
    assert len(kinds(annotation)) == 4
    annotation.undo("ben")
    annotation.answer("ben", answer())


def test_an_answer_to_a_question_about_another_case_is_refused(annotation: Annotation, answer: Answer) -> None:
    question = annotation.guide.next("anna")
    assert question is not None
    other = next(case for case in annotation.source.images if case != question.case)
    for kind in ("nothing", "unsure"):
        with pytest.raises(InputError, match="no longer open"):
            annotation.answer("anna", answer(kind=kind, case=other, question=question.key))
    assert kinds(annotation) == []


def test_unsure_is_no_label_but_is_not_asked_again_and_can_be_undone(annotation: Annotation, answer: Answer) -> None:
    question = annotation.guide.next("anna")
    assert question is not None
    body = answer(kind="unsure", case=question.case, question=question.key)
    annotation.answer("anna", body)
    annotation.answer("anna", body)  # sent again
    assert kinds(annotation) == []
    assert len(annotation.skipped.store.read()) == 1
    assert [one["skipped"] for one in annotation.answers("anna")] == [True]
    following = annotation.guide.next("anna")
    assert following is not None
    assert following.key != question.key
    annotation.undo("anna")
    again = annotation.guide.next("anna")
    assert again is not None
    assert again.key == question.key


def test_undo_and_redo_append_and_delete_nothing(annotation: Annotation, answer: Answer) -> None:
    for label in (1, 0):
        annotation.answer("anna", answer(label=label, row=10.0 + label))
    assert (annotation.undo("anna") or {})["label"] == 0
    assert (annotation.undo("anna") or {})["label"] == 1
    assert annotation.undo("anna") is None
    assert kinds(annotation) == []
    assert (annotation.redo("anna") or {})["label"] == 1
    assert (annotation.redo("anna") or {})["label"] == 0
    assert annotation.redo("anna") is None
    assert [mark["label"] for mark in annotation.marks("case0")] == [1, 0]
    assert len(annotation.labels.store.path.read_text().splitlines()) == 6


def test_a_new_answer_ends_what_can_be_redone(annotation: Annotation, answer: Answer) -> None:
    annotation.answer("anna", answer())
    annotation.undo("anna")
    annotation.answer("anna", answer(row=3.0))
    assert annotation.redo("anna") is None


def test_undo_goes_on_after_a_restart(annotation: Annotation, dataset: Path, answer: Answer) -> None:
    annotation.answer("anna", answer())
    assert (open_annotator(dataset).annotation.undo("anna") or {})["label"] == 1
    assert kinds(annotation) == []


def test_one_can_go_to_an_earlier_answer_and_take_it_back(annotation: Annotation, answer: Answer) -> None:
    first = annotation.answer("anna", answer(case="case2", slice=1))
    annotation.answer("anna", answer())
    assert [one["case"] for one in annotation.answers("anna")] == ["case0", "case2"]
    found = annotation.find(first["id"])
    assert (found["case"], found["slice"], round(found["row"])) == ("case2", 1, 24)
    annotation.retract("anna", first["id"])
    assert [one["case"] for one in annotation.answers("anna")] == ["case0"]
    for id in (first["id"], "none"):
        with pytest.raises(InputError, match="no longer there"):
            annotation.find(id)


def test_nobody_takes_back_what_another_said(annotation: Annotation, answer: Answer) -> None:
    kept = annotation.answer("anna", answer())
    assert annotation.undo("ben") is None
    with pytest.raises(InputError, match="not yours"):
        annotation.retract("ben", kept["id"])
    assert kinds(annotation) == ["point"]


def test_two_people_in_two_servers_lose_nothing_and_see_each_other(dataset: Path, answer: Answer) -> None:
    first, second = open_annotator(dataset), open_annotator(dataset)
    for number in range(5):
        first.annotation.answer("anna", answer(row=float(number)))
        second.annotation.answer("ben", answer(row=float(number), column=30.0))
    assert len(DatasetFolder.open(dataset).store.read()) == 10
    for one in (first, second):
        assert {mark["annotator"] for mark in one.annotation.marks("case0")} == {"anna", "ben"}
        assert len(one.annotation.marks("case0")) == 10


def test_agreement_of_two_people_is_shown(annotator: Annotator, log_in: LogIn, answer: Answer) -> None:
    clients = log_in(annotator, "anna", "ben")
    for name, column in (("anna", 12.0), ("ben", 14.0)):
        clients[name].post("/api/answers", json=answer(column=column))
        clients[name].post("/api/answers", json=answer(kind="scan_tag", label=1))
    clients["ben"].post("/api/answers", json=answer(row=40.0, column=40.0))
    (pair,) = clients["anna"].get("/api/summary").json()["agreement"]
    assert pair["with"] == "ben"
    assert (pair["clicks"], pair["clicks_matched"]) == (3, pytest.approx(2 / 3))
    assert (pair["tags"], pair["tags_same"]) == (1, 1.0)
    assert clients["anna"].get("/api/summary").json()["seconds"] == 5.0


def test_two_people_are_not_asked_the_same_at_once_but_some_regions_are_read_twice(
    dataset: Path, answer: Answer
) -> None:
    alone = open_annotator(dataset, settings=Settings(regions=4, double_read=0.0)).annotation
    both = open_annotator(dataset, settings=Settings(regions=4, double_read=1.0)).annotation
    asked = [alone.guide.next(name) for name in ("anna", "ben")]
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[0].key != asked[1].key
    alone.answer("anna", answer(kind="nothing", case=asked[0].case, slice=asked[0].index, question=asked[0].key))
    assert both.guide._is_closed("ben")(asked[0]) is False
    assert alone.guide._is_closed("ben")(asked[0]) is True


def test_a_torn_last_line_is_said_and_repaired_with_the_next_answer(
    dataset: Path, annotation: Annotation, answer: Answer
) -> None:
    annotation.answer("anna", answer())
    path = dataset / "labels.jsonl"
    path.write_bytes(path.read_bytes() + b'{"kind": "poi')
    opened = open_annotator(dataset)
    assert opened.summary("anna")["notices"] == [
        "the last line of labels.jsonl was cut off when it was written: it is left out, "
        "and removed with the next answer"
    ]
    opened.annotation.answer("anna", answer(row=3.0))
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["point", "point"]
    assert len(opened.annotation.marks("case0")) == 2


def test_a_damaged_line_is_named_at_the_start_and_while_it_runs(
    dataset: Path, annotation: Annotation, answer: Answer
) -> None:
    annotation.answer("anna", answer())
    path = dataset / "labels.jsonl"
    path.write_bytes(path.read_bytes() + b"not a label\n")
    with pytest.raises(InputError, match=r"labels\.jsonl, line 2: .*mend or remove that line"):
        open_annotator(dataset)
    with pytest.raises(InputError, match="line 2"):
        annotation.answer("anna", answer(row=3.0))
    assert path.read_bytes().endswith(b"not a label\n"), "a refused answer is not written"


def test_a_store_that_was_replaced_is_read_anew_and_said(dataset: Path, annotation: Annotation, answer: Answer) -> None:
    annotation.answer("anna", answer())
    other = dataset / "other.jsonl"
    other.write_bytes(b"")
    other.replace(dataset / "labels.jsonl")
    assert annotation.marks("case0") == []
    assert "was replaced" in annotation.labels.notices[0]
    annotation.answer("anna", answer())
    (dataset / "labels.jsonl").unlink()
    assert annotation.marks("case0") == []
    assert len(annotation.labels.notices) == 1, "the same is said once"


def test_an_image_that_changed_on_the_disk_is_not_answered_about(
    dataset: Path, annotation: Annotation, answer: Answer
) -> None:
    annotation.answer("anna", answer())
    image = dataset / "images" / "case0.nii.gz"
    os.utime(image, (1, 1))
    with pytest.raises(InputError, match="case0 has changed on the disk; reload"):
        annotation.answer("anna", answer())
    annotation.marks("case0")  # what a reload does
    annotation.answer("anna", answer(row=9.0))
    image.unlink()
    with pytest.raises(InputError, match="no longer there"):
        annotation.answer("anna", answer())
    assert kinds(annotation) == ["point", "point"]


def test_a_dataset_prepared_anew_is_noticed(dataset: Path, annotation: Annotation, answer: Answer) -> None:
    content = json.loads((dataset / "dataset.json").read_text())
    content["training"] = content["training"][1:]
    (dataset / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="no case of that name"):
        annotation.answer("anna", answer())
    annotation.answer("anna", answer(case="case1"))
    content["name"] = "again"
    (dataset / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="prepared anew"):
        annotation.answer("anna", answer(case="case1"))
    (dataset / "dataset.json").unlink()
    with pytest.raises(InputError):
        annotation.answer("anna", answer(case="case1"))
    assert kinds(annotation) == ["point"]


def test_a_full_disk_is_said_and_keeps_nothing_half(
    annotation: Annotation, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = answer()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(InputError, match=r"^labels\.jsonl: the labels could not be written .*; make room"):
            annotation.answer("anna", body)
    assert annotation.marks("case0") == []
    annotation.answer("anna", body)
    assert len(annotation.marks("case0")) == 1


def test_the_page_is_told_the_name_of_the_file_and_not_where_it_is(annotation: Annotation, answer: Answer) -> None:
    annotation.labels.store.path.mkdir()
    for act in (annotation.labels.store.read, lambda: annotation.labels.store.append([scan_tag()])):
        with pytest.raises(InputError, match=r"^labels\.jsonl: the labels could not be") as error:
            act()
        assert "; " in str(error.value), "and what to do"


def scan_tag() -> ScanTag:
    return ScanTag(case="case0", seconds=1.0, label=0)


def test_a_journal_reads_only_what_is_new(annotation: Annotation, answer: Answer) -> None:
    journal = Journal(annotation.labels.store.path)
    annotation.answer("anna", answer())
    before = journal.version("case0")
    journal.refresh()
    assert journal.version("case0") > before
    journal.refresh()
    assert len(journal.case("case0")) == 1


def drop_case0(dataset: Path, annotation: Annotation) -> None:
    content = json.loads((dataset / "dataset.json").read_text())
    content["training"] = content["training"][1:]
    (dataset / "dataset.json").write_text(json.dumps(content))
    annotation.source.reload()


def test_an_answer_whose_case_is_gone_is_neither_undone_nor_taken_back_nor_given_again(
    dataset: Path, annotation: Annotation, answer: Answer
) -> None:
    annotation.answer("anna", answer(case="case1"))
    undone = annotation.answer("anna", answer(row=3.0))
    kept = annotation.answer("anna", answer())
    annotation.retract("anna", undone["id"])
    drop_case0(dataset, annotation)
    before = (dataset / "labels.jsonl").read_bytes()
    for act in (annotation.undo, annotation.redo, lambda name: annotation.retract(name, kept["id"])):
        with pytest.raises(InputError, match="no case of that name"):
            act("anna")
    assert (dataset / "labels.jsonl").read_bytes() == before
    assert annotation.history.can_redo("anna"), "nothing is lost: the case may come back"
    annotation.answer("anna", answer(case="case1", row=9.0))
    assert (annotation.undo("anna") or {})["case"] == "case1"


def test_every_earlier_answer_can_be_reached(annotation: Annotation) -> None:
    labels = [
        ScanTag(case="case0", seconds=1.0, label=1, annotator="anna", time=f"2026-01-01T00:00:{number:06.3f}")
        for number in range(12)
    ]
    annotation.labels.append(*labels)
    seen: list[str] = []
    while page := annotation.answers("anna", before=seen[-1] if seen else None, limit=5):
        seen += [one["id"] for one in page]
    assert seen == [label.id for label in reversed(labels)]
    with pytest.raises(InputError, match="no longer there"):
        annotation.answers("ben", before=seen[0])


def test_two_undos_at_once_undo_two_answers(annotation: Annotation, answer: Answer) -> None:
    for row in (1.0, 2.0, 3.0):
        annotation.answer("anna", answer(row=row))
    threads = [threading.Thread(target=annotation.undo, args=("anna",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [round(mark["row"]) for mark in annotation.marks("case0")] == [1]
