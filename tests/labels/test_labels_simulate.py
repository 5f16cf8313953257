from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.simulate import PointRule
from groundglass.labels.simulate import background_points
from groundglass.labels.simulate import lesion_points
from groundglass.labels.simulate import mask_label
from groundglass.labels.simulate import simulate_points
from groundglass.labels.simulate import simulate_scan_tag
from groundglass.labels.simulate import simulate_slice_tags
from groundglass.scans.scan import Scan

AFFINE = np.array([[0.0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]])
EIGHT = np.ones((3, 3))
masks = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def mask_scan(voxels: NDArray[np.generic]) -> Scan:
    return Scan(np.asarray(voxels, np.uint8), AFFINE, "mask")


def c_shape() -> NDArray[np.bool_]:
    """A lesion like a C, whose centroid lies in its opening."""
    mask = np.zeros((20, 20), bool)
    mask[4:16, 4:16] = True
    mask[6:14, 6:16] = False
    return mask


def pixels(labels: list[Label], value: int) -> NDArray[np.intp]:
    positions = [label.position for label in labels if isinstance(label, Point) and label.label == value]
    return np.rint(mask_scan(np.zeros((1, 1, 1))).to_indices(np.array(positions).reshape(-1, 3))).astype(int)


@pytest.mark.parametrize("rule", ["distance", "uniform"])
@given(mask=masks, seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_each_8_connected_lesion_gets_one_point_inside_it(mask: NDArray[np.bool_], seed: int, rule: PointRule) -> None:
    points = lesion_points(mask, rule=rule, rng=np.random.default_rng(seed))
    components, count = ndimage.label(mask, EIGHT)
    assert points.shape == (count, 2)
    assert sorted(components[tuple(points.T)]) == list(range(1, count + 1))


def test_pixels_that_touch_at_a_corner_are_one_lesion() -> None:
    assert len(lesion_points(np.eye(4, dtype=bool), rule="distance", rng=np.random.default_rng(0))) == 1


def test_distance_takes_the_pixel_farthest_from_the_border_even_at_the_edge_of_the_image() -> None:
    mask = np.zeros((9, 12), bool)
    mask[:, :7] = True  # touches three edges of the image, and those are borders too
    (point,) = lesion_points(mask, rule="distance", rng=np.random.default_rng(0))
    assert tuple(point) == (3, 3)


def test_distance_is_not_misled_by_a_neighbor_in_the_same_box() -> None:
    """The box of the C holds the thicker lesion in its opening, which is not a part of it."""
    mask = c_shape()
    mask[8:12, 8:14] = True
    points = lesion_points(mask, rule="distance", rng=np.random.default_rng(0))
    components, _ = ndimage.label(mask, EIGHT)
    assert sorted(components[tuple(points.T)]) == [1, 2]


def test_uniform_draws_every_pixel_of_a_lesion() -> None:
    mask = np.zeros((6, 6), bool)
    mask[1:4, 2:5] = True
    rng = np.random.default_rng(0)
    drawn = {tuple(lesion_points(mask, rule="uniform", rng=rng)[0]) for _ in range(200)}
    assert drawn == set(map(tuple, np.argwhere(mask)))


def test_released_is_the_centroid_cut_to_whole_pixels_and_can_miss_a_concave_lesion() -> None:
    mask = c_shape()
    (point,) = lesion_points(mask, rule="released", rng=np.random.default_rng(0))
    assert tuple(point) == tuple(np.argwhere(mask).mean(axis=0).astype(int))
    assert not mask[tuple(point)]


def test_all_rules_are_known_here() -> None:
    assert set(get_args(PointRule)) == {"distance", "uniform", "released"}


@given(mask=masks, count=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_background_points_lie_on_background(mask: NDArray[np.bool_], count: int) -> None:
    points = background_points(mask, count, np.random.default_rng(0))
    assert points.shape == (0 if mask.all() else count, 2)
    assert not mask[tuple(points.T)].any()


@given(voxels=arrays(bool, (3, 9, 8)), rule=st.sampled_from(get_args(PointRule)))
@settings(max_examples=40, deadline=None)
def test_every_slice_gets_as_many_background_points_as_lesions(voxels: NDArray[np.bool_], rule: PointRule) -> None:
    labels = simulate_points(mask_scan(voxels), "a", rule=rule)
    lesion, background = pixels(labels, 1), pixels(labels, 0)
    for index, plane in enumerate(voxels):
        count = ndimage.label(plane, EIGHT)[1]
        assert (lesion[:, 0] == index).sum() == count
        assert (background[:, 0] == index).sum() == (0 if plane.all() else count)
    assert not voxels[tuple(background.T)].any()
    if rule != "released":
        assert voxels[tuple(lesion.T)].all()


def test_the_same_points_come_back_for_the_same_seed_only() -> None:
    mask = mask_scan(np.random.default_rng(0).random((4, 16, 16)) > 0.8)
    assert simulate_points(mask, "a", seed=1) == simulate_points(mask, "a", seed=1)
    assert simulate_points(mask, "a", seed=1) != simulate_points(mask, "a", seed=2)


def test_every_label_has_its_own_name() -> None:
    mask = mask_scan(np.random.default_rng(0).random((4, 16, 16)) > 0.8)
    labels = [*simulate_points(mask, "a"), *simulate_slice_tags(mask, "a"), *simulate_scan_tag(mask, "a")]
    assert len({label.id for label in labels}) == len(labels)
    assert {label.annotator for label in labels} == {"simulated"}


def two_slices() -> Scan:
    """A lesion in the second slice only."""
    voxels = np.zeros((2, 6, 7))
    voxels[1, 2:4, 3:5] = 7  # any number but 0 is lesion
    return mask_scan(voxels)


def test_slices_without_lesion_get_nothing_as_released() -> None:
    labels = simulate_points(two_slices(), "a")
    assert [type(label) for label in labels] == [Point, Point]


def test_slices_without_lesion_are_all_background_as_the_paper_has_it() -> None:
    first, *points = simulate_points(two_slices(), "a", lesion_free="background")
    assert isinstance(first, Region)
    assert first.label == 0
    corners = np.rint(two_slices().to_indices(np.array([first.lower, first.upper])))
    assert corners.tolist() == [[0, 0, 0], [0, 5, 6]]
    assert points == simulate_points(two_slices(), "a")


def test_what_labels_cost() -> None:
    """Paper 001, section 4: 3 s a click and 96 s a slice's mask."""
    mask = two_slices()
    assert [label.seconds for label in simulate_points(mask, "a", lesion_free="background")] == [3.0, 3.0, 3.0]
    assert [label.seconds for label in mask_label("masks/a.nii.gz", "a", (4, 9))] == [5 * 96.0]
    assert [label.seconds for label in simulate_slice_tags(mask, "a")] == [3.0, 3.0]
    assert [label.seconds for label in simulate_scan_tag(mask, "a")] == [0.0]


def test_tags_say_where_there_is_lesion() -> None:
    mask = two_slices()
    tags = simulate_slice_tags(mask, "a")
    assert [label.label for label in tags if isinstance(label, SliceTag)] == [0, 1]
    positions = np.array([label.position for label in tags if isinstance(label, SliceTag)])
    assert np.allclose(mask.to_indices(positions)[:, 0], [0, 1])
    for voxels, expected in ((mask.voxels, 1), (np.zeros((2, 3, 3)), 0)):
        (tag,) = simulate_scan_tag(mask_scan(voxels), "a")
        assert isinstance(tag, ScanTag)
        assert tag.label == expected


def test_a_mask_label_names_its_file_and_slices() -> None:
    (label,) = mask_label("masks/a.nii.gz", "a", (4, 9))
    assert isinstance(label, MaskLabel)
    assert (label.case, label.path, label.slices) == ("a", "masks/a.nii.gz", (4, 9))
