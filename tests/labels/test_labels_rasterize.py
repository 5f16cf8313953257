from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.labels.rasterize import UNKNOWN_TAG
from groundglass.labels.rasterize import rasterize
from groundglass.labels.rasterize import slice_tags
from groundglass.scans.scan import apply_affine
from groundglass.scans.scan import resized_affine

AFFINE = np.array([[0.0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]])
SHAPE = (3, 20, 30)
Position = tuple[float, float, float]


def at(*index: float) -> Position:
    x, y, z = apply_affine(AFFINE, np.array([index]))[0]
    return float(x), float(y), float(z)


def point(label: int, *index: float) -> Point:
    return Point(case="a", seconds=3.0, position=at(*index), label=label, id="p")


def region(label: int, lower: tuple[float, ...], upper: tuple[float, ...]) -> Region:
    return Region(case="a", seconds=3.0, lower=at(*lower), upper=at(*upper), label=label)


def no_mask(label: MaskLabel) -> NDArray[np.bool_]:
    raise AssertionError("no mask label is there")


def target_of(*labels: Label, **options: object) -> NDArray[np.uint8]:
    return rasterize(labels, **{"affine": AFFINE, "shape": SHAPE, "read_mask": no_mask, **options})


def labeled(target: NDArray[np.uint8]) -> dict[tuple[int, ...], int]:
    return {tuple(map(int, index)): int(target[tuple(index)]) for index in np.argwhere(target != IGNORE_INDEX)}


def test_nothing_is_labeled_without_labels() -> None:
    target = target_of()
    assert target.dtype == np.uint8
    assert target.shape == SHAPE
    assert (target == IGNORE_INDEX).all()
    assert IGNORE_INDEX == 255


def test_a_point_labels_its_pixel_and_no_other() -> None:
    assert labeled(target_of(point(1, 1, 4, 5), point(0, 2, 19, 0))) == {(1, 4, 5): 1, (2, 19, 0): 0}


def test_tags_of_scans_and_of_slices_with_a_lesion_label_no_pixel() -> None:
    tags = [ScanTag(case="a", seconds=0.0, label=0), SliceTag(case="a", seconds=3.0, position=at(0, 0, 0), label=1)]
    assert labeled(target_of(*tags)) == {}


@given(
    native=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_a_point_of_the_files_grid_lands_on_the_pixel_of_the_networks_grid_that_covers_it(
    native: tuple[int, int], size: tuple[int, int], data: st.DataObject
) -> None:
    index = [data.draw(st.integers(0, 2)), *(data.draw(st.integers(0, length - 1)) for length in native)]
    affine = resized_affine(AFFINE, (3, *native), (3, *size))
    target = target_of(point(1, *index), affine=affine, shape=(3, *size))
    ((d, h, w),) = labeled(target)
    center = (np.array(index[1:]) + 0.5) / np.array(native) * np.array(size)  # from the image's edge, in pixels
    assert d == index[0]
    assert np.all(np.array([h, w]) <= center + 1e-3)
    assert np.all(center - 1e-3 <= np.array([h, w]) + 1)


@pytest.mark.parametrize("order", [1, -1])
def test_lesion_wins_over_background_on_the_same_pixel(order: int) -> None:
    labels = [point(1, 0, 3, 3), point(0, 0, 3.2, 3.2)][::order]
    assert labeled(target_of(*labels)) == {(0, 3, 3): 1}


@pytest.mark.parametrize("order", [1, -1])
def test_the_more_exact_answer_stands(order: int) -> None:
    whole = np.ones(SHAPE, bool)
    labels: list[Label] = [
        MaskLabel(case="a", seconds=96.0, path="m"),
        region(0, (0, 0, 0), (0, 1, 2)),
        point(1, 0, 1, 1),
    ]
    target = target_of(*labels[::order], read_mask=lambda label: whole)
    assert (target[1:] == 1).all()
    assert target[0, 0].tolist()[:4] == [0, 0, 0, 1]
    assert target[0, 1].tolist()[:4] == [0, 1, 0, 1]


def test_a_later_answer_of_the_same_kind_stands() -> None:
    target = target_of(region(0, (0, 0, 0), (0, 4, 4)), region(1, (0, 2, 2), (0, 4, 4)))
    assert target[0, 0, 0] == 0
    assert (target[0, 2:5, 2:5] == 1).all()


def test_a_region_covers_its_first_and_last_voxel_whichever_way_its_corners_lie() -> None:
    expected = {(d, h, w): 1 for d in (1, 2) for h in (3, 4, 5) for w in (7, 8)}
    assert labeled(target_of(region(1, (1, 3, 7), (2, 5, 8)))) == expected
    assert labeled(target_of(region(1, (2, 3, 8), (1, 5, 7)))) == expected


def test_nothing_here_for_a_whole_slice_makes_all_of_a_coarser_slice_background() -> None:
    affine = resized_affine(AFFINE, SHAPE, (3, 7, 11))
    target = target_of(region(0, (1, 0, 0), (1, 19, 29)), affine=affine, shape=(3, 7, 11))
    assert (target[1] == 0).all()
    assert (target[[0, 2]] == IGNORE_INDEX).all()


def test_a_mask_labels_every_pixel_of_the_slices_it_covers() -> None:
    mask = np.random.default_rng(0).random(SHAPE) > 0.5
    whole = target_of(MaskLabel(case="a", seconds=96.0, path="m"), read_mask=lambda label: mask)
    assert np.array_equal(whole, mask)
    part = target_of(MaskLabel(case="a", seconds=96.0, path="m", slices=(1, 2)), read_mask=lambda label: mask)
    assert np.array_equal(part[1], mask[1])
    assert (part[[0, 2]] == IGNORE_INDEX).all()


@pytest.mark.parametrize("index", [(0, 0, 0), (2, 19, 29), (0, -0.5, 29.5), (2.4, 19.5, -0.5)])
def test_a_point_on_the_rim_of_the_image_is_inside(index: tuple[float, ...]) -> None:
    expected = tuple(np.clip(np.rint(index), 0, np.array(SHAPE) - 1).astype(int))
    assert labeled(target_of(point(1, *index))) == {expected: 1}


@pytest.mark.parametrize("index", [(-1, 5, 5), (3, 5, 5), (0, -1, 5), (0, 20, 5), (0, 5, -1), (0, 5, 30), (0, 5, 900)])
def test_a_point_outside_the_image_is_refused(index: tuple[float, ...]) -> None:
    with pytest.raises(
        InputError, match=r"case a: label p at .* mm lies outside the image; remove its line .* labels\.jsonl, or"
    ):
        target_of(point(1, *index))


def test_a_region_outside_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="lies outside the image"):
        target_of(region(0, (0, 0, 0), (3, 19, 29)))


def test_labels_beside_a_crop_are_left_out_and_those_beyond_the_image_refused() -> None:
    """The map is rows 5..14 and columns 10..19 of the image."""
    cropped = AFFINE.copy()
    cropped[:3, 3] = at(0, 5, 10)
    options = {"affine": cropped, "shape": (3, 10, 10), "margin": (0, 5, 10)}
    assert labeled(target_of(point(1, 0, 4, 12), point(0, 1, 5, 10), point(1, 2, 14, 20), **options)) == {(1, 0, 0): 0}
    assert labeled(target_of(region(0, (0, 0, 0), (0, 6, 11)), **options)) == {
        (0, h, w): 0 for h in (0, 1) for w in (0, 1)
    }
    assert labeled(target_of(region(1, (0, 0, 0), (0, 3, 9)), region(1, (0, 15, 20), (0, 19, 29)), **options)) == {}
    with pytest.raises(InputError, match="lies outside the image"):
        target_of(point(1, 0, -1, 12), **options)


def tag(label: int, index: float) -> SliceTag:
    return SliceTag(case="a", seconds=3.0, position=at(index, 0, 0), label=label, id="t")


def scan(label: int) -> ScanTag:
    return ScanTag(case="a", seconds=0.0, label=label)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], [UNKNOWN_TAG] * 3),
        ([tag(1, 0), tag(0, 2)], [1, UNKNOWN_TAG, 0]),
        ([scan(0)], [0, 0, 0]),
        ([scan(1)], [UNKNOWN_TAG] * 3),
        ([tag(1, 1), scan(0)], [0, 1, 0]),
        ([tag(1, 1), tag(0, 1)], [UNKNOWN_TAG, 0, UNKNOWN_TAG]),
        ([scan(0), scan(1)], [UNKNOWN_TAG] * 3),
        ([scan(1), tag(1, 1), scan(0)], [0, 1, 0]),
        ([point(1, 0, 3, 3)], [UNKNOWN_TAG] * 3),
    ],
)
def test_tags_of_slices(labels: list[Label], expected: list[int]) -> None:
    tags = slice_tags(labels, affine=AFFINE, depth=3)
    assert tags.dtype == np.int8
    assert tags.tolist() == expected


@pytest.mark.parametrize("answers", [(0, 1), (1, 0)])
def test_the_last_tag_of_a_scan_of_one_slice_is_its_slices_tag(answers: tuple[int, int]) -> None:
    assert slice_tags([scan(label) for label in answers], affine=AFFINE, depth=1).tolist() == [answers[-1]]
    assert slice_tags([tag(0, 0), scan(1)], affine=AFFINE, depth=1).tolist() == [0], "the slice's own tag stands"


@pytest.mark.parametrize("index", [-1, 3])
def test_a_slice_tag_outside_the_image_is_refused(index: int) -> None:
    with pytest.raises(
        InputError, match=r"case a: slice tag t lies outside the image; remove its line .* labels\.jsonl, or retract"
    ):
        slice_tags([tag(1, index)], affine=AFFINE, depth=3)


def test_a_slice_without_lesion_is_background_but_for_what_is_said_more_exactly() -> None:
    tags = [SliceTag(case="a", seconds=3.0, position=at(index, 5, 5), label=label) for index, label in ((0, 0), (1, 1))]
    target = target_of(point(1, 0, 4, 5), *tags)
    assert (target[0] == 0).sum() == 20 * 30 - 1
    assert target[0, 4, 5] == 1
    assert (target[1:] == IGNORE_INDEX).all(), "a slice with a lesion says nothing about its pixels"
    with pytest.raises(InputError, match="lies outside the image"):
        target_of(SliceTag(case="a", seconds=3.0, position=at(7, 5, 5), label=0))


@pytest.mark.parametrize(("answers", "background"), [((0, 1), 0), ((1, 0), 600), ((0, 1, 0), 600)])
def test_the_last_tag_of_a_slice_stands(answers: tuple[int, ...], background: int) -> None:
    target = target_of(*[tag(label, 1) for label in answers])
    assert (target[1] == 0).sum() == background
    assert (target != IGNORE_INDEX).sum() == background


def test_clicks_and_regions_of_a_slice_that_is_tagged_anew_stay() -> None:
    target = target_of(tag(0, 1), point(1, 1, 4, 5), region(0, (1, 0, 0), (1, 1, 1)), tag(1, 1))
    assert labeled(target) == {(1, 4, 5): 1} | {(1, h, w): 0 for h in (0, 1) for w in (0, 1)}


@pytest.mark.parametrize("label", [0, 1])
def test_slice_tags_beside_a_crop_are_left_out(label: int) -> None:
    """The map is slice 1 of the image."""
    cropped = AFFINE.copy()
    cropped[:3, 3] = at(1, 0, 0)
    options = {"affine": cropped, "shape": (1, 20, 30), "margin": (1, 0, 0)}
    assert labeled(target_of(tag(label, 0), tag(label, 2), **options)) == {}
    with pytest.raises(InputError, match="lies outside the image"):
        target_of(tag(label, 3), **options)
