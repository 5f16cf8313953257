"""What the page shows beside the image: time spent, and how far people agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import open_annotator
from groundglass.labels.simulate import recorded_scan_tag

Answer = Callable[..., dict[str, Any]]


def test_time_spent_on_what_was_undone_is_spent(annotator: Annotator, dataset: Path, answer: Answer) -> None:
    annotation = annotator.annotation
    annotation.answer("anna", answer(seconds=2.5))
    annotation.answer("anna", answer(seconds=4.0, row=3.0))
    question = annotation.guide.next("anna")
    assert question is not None
    unsure = answer(kind="unsure", case=question.case, question=question.key, seconds=1.0)
    annotation.answer("anna", unsure)
    for _ in range(2):
        annotation.undo("anna")
    assert annotator.summary("anna")["seconds"] == 7.5
    annotation.redo("anna")
    summary = annotator.summary("anna")
    assert (summary["seconds"], summary["answers"]) == (7.5, 2), "given again, not spent again"
    assert annotator.summary("ben")["seconds"] == 0
    assert open_annotator(dataset).summary("anna")["seconds"] == 7.5


def test_a_patients_record_is_no_person_to_agree_with(annotator: Annotator, answer: Answer) -> None:
    annotation = annotator.annotation
    annotation.labels.append(*recorded_scan_tag(1, "case0"))
    annotation.answer("anna", answer(kind="scan_tag", label=1))
    assert annotator.summary("anna")["agreement"] == []
    annotation.answer("ben", answer(kind="scan_tag", label=1))
    assert [one["with"] for one in annotator.summary("anna")["agreement"]] == ["ben"]


def test_the_counts_of_the_cases_are_of_peoples_answers(annotator: Annotator, answer: Answer) -> None:
    annotator.annotation.labels.append(*recorded_scan_tag(1, "case0"))
    assert annotator.summary("anna")["cases"][0]["answers"] == 0
    annotator.annotation.answer("anna", answer())
    assert annotator.summary("anna")["cases"][0]["answers"] == 1


def test_what_was_unsure_is_taken_back_as_such(annotator: Annotator, answer: Answer) -> None:
    annotation = annotator.annotation
    question = annotation.guide.next("anna")
    assert question is not None
    annotation.answer("anna", answer(kind="unsure", case=question.case, question=question.key))
    undone = annotation.undo("anna")
    assert undone is not None
    assert undone["skipped"] is True
    again = annotation.redo("anna")
    assert again is not None
    assert again["skipped"] is True
