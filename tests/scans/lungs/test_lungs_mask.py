from __future__ import annotations

from itertools import permutations
from itertools import product

import numpy as np
import pytest
from hand_made import LEFT_LUNG
from hand_made import RIGHT_LUNG
from hand_made import SHAPE
from hand_made import chest
from hand_made import ellipsoid
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass.scans.lungs import lung_mask
from groundglass.scans.orientation import to_canonical
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

SMALL = (40, 96, 96)


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


@pytest.fixture(scope="module")
def sick() -> Phantom:
    return generate_phantom(4, shape=SMALL, burden=0.9)


def turned(scan: Scan, order: tuple[int, ...], flips: tuple[int, ...]) -> Scan:
    """The same scan stored with other axes."""
    voxels = scan.voxels.transpose(order)
    affine = scan.affine[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip < 0:
            affine[:3, 3] += (voxels.shape[axis] - 1) * affine[:3, axis]
            affine[:3, axis] *= -1
    return Scan(voxels[tuple(slice(None, None, flip) for flip in flips)], affine, "hu")


@pytest.mark.parametrize(("seed", "burden"), [(0, 0.0), (3, 0.4)])
def test_both_lungs_of_a_phantom_are_found(seed: int, burden: float) -> None:
    phantom = generate_phantom(seed, shape=SMALL, burden=burden)
    lungs = lung_mask(phantom.scan)
    assert lungs.intensity == "mask"
    assert lungs.voxels.dtype == np.uint8
    np.testing.assert_array_equal(lungs.affine, phantom.scan.affine)
    assert set(np.unique(lungs.voxels)) == {0, 1, 2}
    for side in (1, 2):
        assert dice(lungs.voxels == side, phantom.lungs == side) > 0.95


def test_ground_glass_in_nine_tenths_of_the_lungs_is_kept(sick: Phantom) -> None:
    lungs = lung_mask(sick.scan).voxels
    assert (lungs[sick.lesions == 1] > 0).mean() > 0.93
    assert ((lungs > 0) & (sick.lungs == 0)).sum() < 0.04 * (sick.lungs > 0).sum()


def test_most_of_a_consolidation_beside_ground_glass_is_kept() -> None:
    diseased = RIGHT_LUNG & ellipsoid((0, 30, -60), (60, 60, 60))
    dense = RIGHT_LUNG & ellipsoid((0, 40, -65), (30, 30, 30))
    lungs = lung_mask(chest((diseased, -550.0), (dense, 20.0))).voxels
    assert (lungs[dense] == 1).mean() > 0.6
    assert (lungs[~RIGHT_LUNG & ~LEFT_LUNG] > 0).sum() < 0.03 * RIGHT_LUNG.sum()


@pytest.mark.parametrize("side", [1, 2])
def test_a_white_lung_leaves_the_other_in_place(side: int) -> None:
    white, other = (RIGHT_LUNG, LEFT_LUNG) if side == 1 else (LEFT_LUNG, RIGHT_LUNG)
    lungs = lung_mask(chest((white, 30.0))).voxels
    assert dice(lungs == 3 - side, other) > 0.97
    assert not (lungs == side).any()


def test_lungs_that_touch_are_parted() -> None:
    bridge = np.zeros(SHAPE, bool)
    bridge[14:30, 20:24, 30:66] = True
    lungs = lung_mask(chest((bridge, -860.0))).voxels
    off_middle = np.abs(np.arange(SHAPE[2]) - (SHAPE[2] - 1) / 2) > 3
    for side, lung, half in ((1, RIGHT_LUNG, slice(0, 48)), (2, LEFT_LUNG, slice(48, 96))):
        assert (lungs[lung] == side).mean() > 0.99
        own = (bridge & off_middle)[:, :, half]
        assert (lungs[:, :, half][own] == side).mean() > 0.95


def test_windpipe_bowel_gas_table_and_the_air_around_are_left_out() -> None:
    windpipe = ellipsoid((60, 0, 0), (70, 9, 9))
    bubble = ellipsoid((-90, -40, 40), (18, 20, 25))
    table, foam = np.zeros((2, *SHAPE), bool)
    table[:, [-6, -1]] = True
    foam[:, -5:-1] = True
    free = ~RIGHT_LUNG & ~LEFT_LUNG
    lungs = lung_mask(chest((windpipe, -1000.0), (bubble & free, -1000.0), (table, 300.0), (foam, -900.0))).voxels
    assert not lungs[(windpipe | bubble | table | foam) & free].any()
    assert dice(lungs == 1, RIGHT_LUNG) > 0.97


def test_a_bronchus_that_opens_into_the_lung_is_left_out() -> None:
    windpipe = ellipsoid((60, 0, 0), (70, 9, 9))
    bronchus = np.zeros(SHAPE, bool)
    bronchus[19:22, 34:38, 36:50] = True
    pipes = (windpipe | bronchus) & ~RIGHT_LUNG & ~LEFT_LUNG
    lungs = lung_mask(chest((pipes, -1000.0))).voxels
    assert (lungs[pipes] > 0).mean() < 0.1
    assert dice(lungs == 1, RIGHT_LUNG) > 0.96


def test_a_lung_cut_by_the_field_of_view_is_kept() -> None:
    scan = chest()
    cut = Scan(scan.voxels[:, :, 18:], scan.affine, "hu")
    lungs = lung_mask(cut).voxels
    assert dice(lungs == 1, RIGHT_LUNG[:, :, 18:]) > 0.93
    assert dice(lungs == 2, LEFT_LUNG[:, :, 18:]) > 0.97


@pytest.mark.parametrize(("first", "last"), [(20, 21), (14, 24)])
def test_one_slice_or_a_slab_is_enough(first: int, last: int) -> None:
    lungs = lung_mask(chest().slab(first, last)).voxels
    assert dice(lungs == 1, RIGHT_LUNG[first:last]) > 0.97
    assert dice(lungs == 2, LEFT_LUNG[first:last]) > 0.97


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_padding_far_below_air_changes_nothing(kind: type) -> None:
    scan = chest()
    padded = scan.voxels.astype(kind)
    padded[:, :4, :4] = -3024
    np.testing.assert_array_equal(lung_mask(scan.with_voxels(padded)).voxels, lung_mask(scan).voxels)


@settings(max_examples=6, deadline=None)
@given(order=st.sampled_from(list(permutations(range(3)))), flips=st.sampled_from(list(product([1, -1], repeat=3))))
def test_stored_axes_do_not_matter(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    scan = chest((RIGHT_LUNG & ellipsoid((0, 40, -65), (30, 30, 30)), 20.0)).slab(12, 28)
    lungs = lung_mask(turned(scan, order, flips))
    np.testing.assert_array_equal(to_canonical(lungs).voxels, lung_mask(scan).voxels)


def test_sides_follow_the_affine_not_the_image() -> None:
    scan = chest()
    prone = np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.affine
    lungs = lung_mask(Scan(scan.voxels, prone, "hu")).voxels
    assert dice(lungs == 2, RIGHT_LUNG) > 0.97


@pytest.mark.parametrize("spacing", [(0.8, 3.0, 3.0), (10.0, 1.5, 1.5)])
def test_odd_spacings(spacing: tuple[float, float, float]) -> None:
    shape = tuple(round(mm / step) for mm, step in zip((40, 330, 330), spacing, strict=True))
    phantom = generate_phantom(2, shape=shape, spacing=spacing, burden=0.2)
    lungs = lung_mask(phantom.scan).voxels
    for side in (1, 2):
        assert dice(lungs == side, phantom.lungs == side) > 0.95
