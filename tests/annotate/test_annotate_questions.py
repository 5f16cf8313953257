"""Which regions are asked about, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from groundglass.active.regions import Regions
from groundglass.annotate.coverage import Coverage
from groundglass.annotate.model import CurrentModel
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.questions import lung_pixels
from groundglass.annotate.questions import shows_lung
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.annotate.uncertain import Scored
from groundglass.annotate.uncertain import UncertainQuestions
from groundglass.annotate.uncertain import ranked
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import Scan

QUESTION = Question("a", 1, (10, 20), (20, 30))


def test_only_regions_with_lung_are_asked_about() -> None:
    image = np.full((48, 48), -1000)
    image[4:36, 4:44] = 40  # the body
    image[10:30, 10:20] = -850  # a lung
    image[15:18, 12:15] = 30  # a lesion in it
    image[42:45] = -300  # the table
    lungs = lung_pixels(image, "hu")
    assert lungs.sum() == 20 * 10, "a lesion within the lung is part of it"
    assert shows_lung(lungs, Question("a", 0, (8, 24), (8, 24)))
    assert not shows_lung(lungs, Question("a", 0, (8, 24), (26, 42)))
    assert not shows_lung(lungs, Question("a", 0, (40, 48), (8, 24)))
    assert not lung_pixels(np.full((4, 4), -1000), "hu").any()
    assert lung_pixels(image[10:30, 8:30], "hu").sum() == 20 * 10 - 9, "cropped to the lung"
    assert lung_pixels(np.array([[0, 9]]), "display").tolist() == [[False, True]]


@pytest.fixture
def at_random(dataset: Path) -> RandomQuestions:
    source = Source(dataset)
    return RandomQuestions(OpenScans(source), list(source.images.values())[:4], regions=4)


def test_random_questions_come_once_each_until_nothing_is_left(at_random: RandomQuestions) -> None:
    asked: dict[str, Question] = {}
    while (question := at_random.next(lambda one: one.key in asked)) is not None:
        assert question.key not in asked
        asked[question.key] = question
    assert len(asked) == 4 * 2 * 4
    assert [one.case for one in asked.values()] != sorted(one.case for one in asked.values())


def test_an_open_question_may_come_again_and_seeds_differ(dataset: Path) -> None:
    def first(seed: int) -> str:
        source = Source(dataset)
        images = list(source.images.values())[:4]
        found = RandomQuestions(OpenScans(source), images, regions=16, seed=seed).next(lambda one: False)
        assert found is not None
        return found.key

    assert first(0) == first(0)
    assert len({first(seed) for seed in range(8)}) > 1


def test_a_dull_slice_is_never_asked(at_random: RandomQuestions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenScan, "voxels", lambda scan, first, last: np.full((1, 48, 48), 40))
    assert at_random.next(lambda one: False) is None


class FakeModel(CurrentModel):
    """Sure of everything but the upper left quarter of the second slice of case2."""

    def uncertainties(self, case: str, scan: OpenScan, indices: Sequence[int]) -> np.ndarray:
        maps = np.zeros((len(indices), 48, 48), np.float32)
        if case == "case2":
            maps[[index == 1 for index in indices], :24, :24] = 0.5
        return maps


def test_the_model_asks_where_it_is_least_sure(at_random: RandomQuestions) -> None:
    questions = UncertainQuestions(FakeModel(), at_random, at_random.images, pool=8, per_scan=2)
    assert questions.next(lambda one: False) is not None, "at random while nothing is scored"
    questions.refresh().join(60)
    assert questions.ready.is_set()
    first = questions.next(lambda one: False)
    assert first is not None
    assert (first.case, first.index, first.rows, first.columns) == ("case2", 1, (0, 24), (0, 24))
    assert first.uncertainty is not None
    assert (first.uncertainty[:24, :24] == 0.5).all(), "the heat map that is shown is what it was chosen by"
    second = questions.next(lambda one: one.key == first.key)
    assert second is not None
    assert second.key != first.key


def test_another_pool_is_scored_when_all_its_questions_are_answered(at_random: RandomQuestions) -> None:
    questions = UncertainQuestions(FakeModel(), at_random, at_random.images, pool=2, per_scan=2)
    questions.refresh().join(60)
    answered: set[str] = set()
    for _ in range(len(questions.ranking)):
        found = questions.next(lambda one: one.key in answered)
        assert found is not None
        answered.add(found.key)
    before = questions.ranking
    assert questions.next(lambda one: one.key in answered) is not None, "at random meanwhile"
    assert questions.ready.wait(60)
    assert questions.ranking is not before


def test_a_model_loaded_while_another_pool_is_scored_has_the_last_word(
    at_random: RandomQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = UncertainQuestions(FakeModel(), at_random, at_random.images, pool=2, per_scan=2)
    slow = threading.Event()
    scored = UncertainQuestions._scored
    monkeypatch.setattr(UncertainQuestions, "_scored", lambda one: slow.wait(60) and scored(one))
    before = questions.refresh()
    monkeypatch.undo()
    questions.refresh().join(60)
    ranking = questions.ranking
    slow.set()
    before.join(60)
    assert questions.ranking is ranking


def test_a_pool_that_cannot_be_scored_is_said_and_asked_at_random(
    at_random: RandomQuestions, caplog: pytest.LogCaptureFixture
) -> None:
    questions = UncertainQuestions(CurrentModel(), at_random, at_random.images)
    questions.refresh().join(60)
    assert "could not be scored: there is no model yet" in caplog.text
    assert questions.next(lambda one: False) is not None


def test_questions_are_chosen_as_in_active_learning() -> None:
    """The highest score first, and what touches a chosen region, in its slice or close by, last."""
    regions = Regions.of((16, 16), 16)
    still = np.zeros((16, 16), np.float16)

    def of(index: int, *scores: tuple[int, float]) -> Scored:
        of_regions = np.zeros(16)
        for region, score in scores:
            of_regions[region] = score
        return Scored("a", index, regions, of_regions, of_regions > 0, still)

    pool = [of(index, (0, 1 - index / 100)) for index in range(10)] + [of(20, (5, 0.5), (6, 0.4), (15, 0.3))]
    chosen = ranked(pool)
    assert [one.index for one in chosen][:5] == [0, 4, 8, 20, 20]
    assert [one.rows for one in chosen][3:5] == [(4, 8), (12, 16)]
    assert len(chosen) == 13, "regions without lung are not asked"
    assert len(ranked(pool, 4)) == 4
    assert ranked([]) == []


def scan() -> Scan:
    affine = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
    return Scan(np.zeros((3, 48, 48), np.int16), affine, "hu")


def at(*index: float) -> tuple[float, float, float]:
    x, y, z = scan().to_mm(np.array([index]))[0].tolist()
    return x, y, z


@pytest.mark.parametrize(
    ("label", "answers"),
    [
        (Point(case="a", seconds=0, annotator="anna", position=at(1, 10, 20), label=1), True),
        (Point(case="a", seconds=0, annotator="anna", position=at(1, 19.4, 29.4), label=0), True),
        (Point(case="a", seconds=0, annotator="anna", position=at(1, 9.4, 20), label=1), False),
        (Point(case="a", seconds=0, annotator="anna", position=at(0, 15, 25), label=1), False),
        (Region(case="a", seconds=0, annotator="anna", lower=at(1, 10, 20), upper=at(1, 19, 29), label=0), True),
        (Region(case="a", seconds=0, annotator="anna", lower=at(1, 0, 0), upper=at(1, 47, 47), label=0), True),
        (Region(case="a", seconds=0, annotator="anna", lower=at(1, 10, 0), upper=at(1, 19, 19), label=0), False),
        (SliceTag(case="a", seconds=0, annotator="anna", position=at(1, 23, 23), label=0), True),
        (SliceTag(case="a", seconds=0, annotator="anna", position=at(1, 23, 23), label=1), False),
        (SliceTag(case="a", seconds=0, annotator="anna", position=at(2, 23, 23), label=0), False),
        (ScanTag(case="a", seconds=0, annotator="anna", label=0), True),
        (ScanTag(case="a", seconds=0, annotator="anna", label=1), False),
    ],
)
def test_what_answers_a_question(label: Label, answers: bool) -> None:
    assert Coverage([label], scan()).annotators(QUESTION) == ({"anna"} if answers else set())
