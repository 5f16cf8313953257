"""Which regions are asked about, and in which order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.annotate.coverage import Coverage
from groundglass.annotate.model import CurrentModel
from groundglass.annotate.model import entropy
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.questions import grid_boxes
from groundglass.annotate.questions import lung_pixels
from groundglass.annotate.questions import shows_lung
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.annotate.uncertain import UncertainQuestions
from groundglass.annotate.uncertain import spread
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import Scan

QUESTION = Question("a", 1, (10, 20), (20, 30))


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 9))
def test_boxes_cover_every_pixel_once(height: int, width: int, side: int) -> None:
    if side > min(height, width):
        with pytest.raises(InputError):
            grid_boxes(height, width, side * side)
        return
    count = np.zeros((height, width), int)
    boxes = grid_boxes(height, width, side * side)
    for rows, columns in boxes:
        count[slice(*rows), slice(*columns)] += 1
    assert (count == 1).all()
    sizes = {rows[1] - rows[0] for rows, _ in boxes}
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("regions", [0, -4, 2, 8])
def test_regions_are_a_perfect_square(regions: int) -> None:
    with pytest.raises(InputError, match="perfect square"):
        grid_boxes(48, 48, regions)


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

    def probabilities(self, case: str, scan: OpenScan, index: int) -> np.ndarray:
        map_ = np.zeros((48, 48), np.float32)
        if (case, index) == ("case2", 1):
            map_[:24, :24] = 0.5
        return map_


def test_the_model_asks_where_it_is_least_sure(at_random: RandomQuestions) -> None:
    questions = UncertainQuestions(FakeModel(), at_random, at_random.images, pool=8, per_scan=2)
    assert questions.next(lambda one: False) is not None, "at random while nothing is scored"
    questions.refresh().join(60)
    assert questions.ready.is_set()
    first = questions.next(lambda one: False)
    assert first is not None
    assert (first.case, first.index, first.rows, first.columns) == ("case2", 1, (0, 24), (0, 24))
    second = questions.next(lambda one: one.key == first.key)
    assert second is not None
    assert second.key != first.key


def test_a_pool_that_cannot_be_scored_is_said_and_asked_at_random(
    at_random: RandomQuestions, caplog: pytest.LogCaptureFixture
) -> None:
    questions = UncertainQuestions(CurrentModel(), at_random, at_random.images)
    questions.refresh().join(60)
    assert "could not be scored: there is no model yet" in caplog.text
    assert questions.next(lambda one: False) is not None


def test_neighboring_slices_are_not_asked_at_once() -> None:
    ranked = [(1 - index / 100, Question("a", index, (0, 8), (0, 8))) for index in range(10)]
    assert [question.index for question in spread(ranked)][:3] == [0, 4, 8]
    assert len(spread(ranked)) == 10


def test_entropy_is_one_bit_at_a_half_and_nothing_where_it_is_sure() -> None:
    bits = entropy(np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32))
    np.testing.assert_allclose(bits, [0, 0.8113, 1, 0.8113, 0], atol=1e-3)


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
