"""Which regions are asked about, and in which order."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from groundglass.active.regions import Regions
from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.coverage import Coverage
from groundglass.annotate.model import CurrentModel
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.questions import Question
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.questions import lung_pixels
from groundglass.annotate.questions import question_at
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
from groundglass.scans.nifti import write_nifti
from groundglass.scans.reader import read_scan
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


def damage(dataset: Path, case: str) -> bytes:
    path = dataset / "images" / f"{case}.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return content


def asked_until_none_is_left(annotator: Annotator, name: str = "anna") -> list[Question]:
    asked = []
    while (question := annotator.annotation.guide.next(name)) is not None:
        asked.append(question)
        given = {"case": question.case, "slice": question.index, "question": question.key}
        annotator.annotation.answer(name, {"kind": "nothing", "seconds": 1, "id": uuid.uuid4().hex, **given})
    return asked


@pytest.mark.parametrize("whole", [False, True])
def test_a_scan_that_cannot_be_read_is_named_once_and_the_others_are_asked_about(
    annotator: Annotator, dataset: Path, whole: bool
) -> None:
    """A damaged header, and a file cut off in the middle, which shows while its slices are unpacked."""
    damage(dataset, "case1")
    if whole:
        (dataset / "images" / "case1.nii.gz").write_bytes(b"junk")
    asked = asked_until_none_is_left(annotator)
    assert {one.case for one in asked} == {"case0", "case2", "case3"}
    assert len(asked) == 3 * 2 * 4
    (notice,) = annotator.summary("anna")["notices"]
    assert notice.startswith("nothing is asked about case case1: case1.nii.gz: ")


def test_a_case_that_is_taken_out_of_the_dataset_stops_no_questions(annotator: Annotator, dataset: Path) -> None:
    content = json.loads((dataset / "dataset.json").read_text())
    gone = annotator.annotation.guide.next("anna")
    assert gone is not None
    content["training"] = [case for case in content["training"] if gone.case not in case["image"]]
    (dataset / "dataset.json").write_text(json.dumps(content))
    annotator.source.reload()
    asked = asked_until_none_is_left(annotator)
    assert {one.case for one in asked} == {"case0", "case1", "case2", "case3"} - {gone.case}
    assert len(annotator.summary("anna")["notices"]) == 1


def test_a_question_whose_scan_vanishes_gives_way_to_another_and_comes_back_with_it(
    annotator: Annotator, dataset: Path
) -> None:
    guide = annotator.annotation.guide
    first = guide.next("anna")
    assert first is not None
    path = dataset / "images" / f"{first.case}.nii.gz"
    path.rename(path.with_name("elsewhere"))
    second = guide.next("anna")
    assert second is not None
    assert second.case != first.case
    assert "is no longer there" in annotator.summary("anna")["notices"][0]
    path.with_name("elsewhere").rename(path)
    assert first.case in {one.case for one in asked_until_none_is_left(annotator)}
    assert annotator.summary("anna")["notices"] == []


def test_a_shorter_scan_of_the_same_name_is_asked_about_where_it_is(annotator: Annotator, dataset: Path) -> None:
    assert annotator.annotation.guide.next("anna") is not None
    scan = read_scan(dataset / "images" / "case0.nii.gz", intensity="hu")
    for number in range(4):
        write_nifti(scan.slab(0, 1), dataset / "images" / f"case{number}.nii.gz")
    annotator.annotation.guide._asked.clear()
    assert {(one.case, one.index) for one in asked_until_none_is_left(annotator)} == {
        (f"case{number}", 0) for number in range(4)
    }


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


def test_the_model_scores_what_can_be_read(annotator: Annotator, dataset: Path) -> None:
    damage(dataset, "case1")
    questions = annotator.questions
    questions.model = FakeModel()
    questions.refresh().join(60)
    assert {one.case for one in questions.ranking} == {"case0", "case2", "case3"}
    (notice,) = annotator.summary("anna")["notices"]
    assert notice.startswith("nothing is asked about case case1: case1.nii.gz: damaged or not complete")
    asked = asked_until_none_is_left(annotator)
    assert asked[0].case == "case2", "where the model is least sure"
    assert {one.case for one in asked} == {"case0", "case2", "case3"}


def test_scoring_closes_no_scan_that_people_have_open(annotator: Annotator) -> None:
    scans = annotator.annotation.scans
    scans.keep = 1
    opened = scans.get("case1")
    questions = annotator.questions
    questions.model = FakeModel()
    questions.refresh().join(60)
    assert len({one.case for one in questions.ranking}) == 4
    for one in questions.ranking:
        assert annotator.annotation.guide._is_closed("anna")(one) is False
    assert scans._open == {"case1": opened}


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
    assert questions.notices == [
        "the regions could not be scored, so questions are drawn at random: there is no model yet; train one first"
    ]
    assert questions.otherwise.scans.left_out.notices == [], "no fault of the scans"
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


def slice_tag(label: int, index: int = 1, annotator: str = "anna") -> SliceTag:
    return SliceTag(case="a", seconds=0, annotator=annotator, position=at(index, 23, 23), label=label)


def scan_tag(label: int, annotator: str = "anna") -> ScanTag:
    return ScanTag(case="a", seconds=0, annotator=annotator, label=label)


@pytest.mark.parametrize(
    ("labels", "who"),
    [
        ([slice_tag(0), slice_tag(1)], set()),
        ([slice_tag(0), slice_tag(1), slice_tag(0)], {"anna"}),
        ([slice_tag(0), slice_tag(1, annotator="ben")], {"anna"}),
        ([slice_tag(0), slice_tag(1, index=2)], {"anna"}),
        ([scan_tag(0), scan_tag(1)], set()),
        ([scan_tag(0), scan_tag(1, annotator="ben")], {"anna"}),
        ([scan_tag(0), scan_tag(1), scan_tag(0)], {"anna"}),
        ([scan_tag(0), slice_tag(1)], set()),
        ([slice_tag(1), scan_tag(0)], set()),
        ([scan_tag(0), slice_tag(1, index=2)], {"anna"}),
        ([slice_tag(0), scan_tag(1)], {"anna"}),
    ],
)
def test_the_last_tag_of_an_annotator_stands(labels: list[Label], who: set[str]) -> None:
    assert Coverage(labels, scan()).annotators(QUESTION) == who


def test_a_tag_that_nothing_is_learned_from_closes_nothing() -> None:
    click = Point(case="a", seconds=0, annotator="ben", position=at(1, 15, 25), label=1)
    labels = [scan_tag(0), slice_tag(0, annotator="carl"), click]
    assert Coverage(labels, scan(), tags=("point", "slice_tag")).annotators(QUESTION) == {"ben", "carl"}
    assert Coverage(labels, scan(), tags=("point",)).annotators(QUESTION) == {"ben"}


@pytest.mark.parametrize(
    ("keys", "learned"),
    [
        ("labels: [point, scan_tag]", ("point", "scan_tag")),
        ("method: mil", ("mask", "scan_tag")),
        ("method: none", ()),
        ("", ("point", "region")),
    ],
)
def test_a_healthy_scan_is_closed_where_the_recipe_learns_from_that(
    dataset: Path, recipe: Path, keys: str, learned: tuple[str, ...]
) -> None:
    text = recipe.read_text()
    recipe.write_text((text.replace("method: points", "") if "method" in keys else text) + keys + "\n")
    annotator = open_annotator(dataset, settings=Settings(regions=4, recipe=str(recipe)))
    assert annotator.training.kinds() == learned
    annotator.annotation.labels.append(ScanTag(case="case0", seconds=1.0, annotator="anna", label=0))
    is_closed = annotator.annotation.guide._is_closed("anna")
    assert is_closed(Question("case0", 0, (0, 24), (0, 24))) == ("scan_tag" in learned)


def test_labels_that_nobody_gave_close_no_question(annotator: Annotator) -> None:
    scan = annotator.annotation.scans.grid("case0")
    corners = [tuple(corner) for corner in scan.to_mm(np.array([[0, 0, 0], [0, 47, 47]])).tolist()]
    box = {"lower": corners[0], "upper": corners[1], "label": 0, "case": "case0", "seconds": 3.0}
    is_closed = annotator.annotation.guide._is_closed("anna")
    questions = [Question("case0", 0, rows, columns) for rows in ((0, 24), (24, 48)) for columns in ((0, 24), (24, 48))]
    for name, closed in (("simulated", False), ("record", False), ("anna", True)):
        annotator.annotation.labels.append(Region(**box, annotator=name))
        assert [is_closed(question) for question in questions] == [closed] * 4


@pytest.mark.parametrize("count", [1, 4, 36])
@pytest.mark.parametrize("flips", [(1, 1), (-1, 1), (-1, -1)])
def test_nothing_on_a_slice_answers_all_its_regions_and_no_other(count: int, flips: tuple[int, int]) -> None:
    """What ``N`` says outside guided mode: a region over the whole slice."""
    affine = scan().affine * np.array([flips[0], flips[1], 1, 1])
    turned = Scan(np.zeros((3, 47, 50), np.int16), affine, "hu")
    (lower, upper) = turned.to_mm(np.array([[1, 0, 0], [1, 46, 49]])).round(4).tolist()
    whole = Region(case="a", seconds=0, annotator="anna", lower=tuple(lower), upper=tuple(upper), label=0)
    coverage = Coverage([whole], turned)
    regions = Regions.of((47, 50), count)
    for index in range(3):
        answered = [coverage.annotators(question_at("a", index, regions, number)) for number in range(count)]
        assert answered == [{"anna"} if index == 1 else set()] * count
