"""Volumes, shares, lesions and slices of a chest whose every number is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from chests import TURNS
from chests import Chest
from chests import make_chest
from chests import turned
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from groundglass.errors import InputError
from groundglass.report.burden import measure
from groundglass.report.measurements import Measurements
from groundglass.report.severity import severity
from groundglass.scans.phantom import generate_phantom

RIGHT_ML, LEFT_ML = 24 * 30 * 15 / 50, 24 * 30 * 12 / 50


@pytest.fixture(scope="module")
def chest() -> Chest:
    return make_chest()


@pytest.fixture(scope="module")
def measured(chest: Chest) -> Measurements:
    return measure(*chest)


def test_volumes_and_shares(measured: Measurements) -> None:
    both, right, left = (measured.regions[name] for name in ("both", "right", "left"))
    assert (right.lung_ml, left.lung_ml) == pytest.approx((RIGHT_ML, LEFT_ML))
    assert (right.lesion_ml, left.lesion_ml) == pytest.approx((8, 1))
    assert both.lesion_ml == pytest.approx(9)
    assert both.burden_percent == pytest.approx(100 * 9 / (RIGHT_ML + LEFT_ML))
    assert right.burden_percent == pytest.approx(100 * 8 / RIGHT_ML)
    assert measured.lesion_outside_lungs_ml == pytest.approx(0.2)
    assert measured.severity.name == "CT-1"


def test_thirds_add_up_and_hold_what_lies_in_them(measured: Measurements) -> None:
    regions = measured.regions
    for side in ("right", "left"):
        thirds = [regions[f"{side}_{zone}"] for zone in ("upper", "middle", "lower")]
        assert sum(third.lung_ml for third in thirds) == pytest.approx(regions[side].lung_ml)
        assert all(third.lung_ml > 0.2 * regions[side].lung_ml for third in thirds)
    assert regions["right_lower"].lesion_ml == pytest.approx(8)
    assert regions["left_upper"].lesion_ml == pytest.approx(1)
    assert regions["lower"].lesion_ml == pytest.approx(8)
    assert regions["right_upper"].burden_percent == 0


def test_density_of_lesions_and_lung(measured: Measurements) -> None:
    both = measured.both
    assert both.ground_glass_ml == pytest.approx(8)
    assert both.consolidation_ml == pytest.approx(1)
    assert both.other_ml == pytest.approx(0)
    assert both.well_aerated_ml == pytest.approx(RIGHT_ML + LEFT_ML - 9)
    assert measured.hu_note is None


@pytest.mark.parametrize(
    ("hu", "kind"), [(-751, 2), (-750, 0), (-301, 0), (-300, 1), (49, 1), (50, 2), (3000, 2), (-1024, 2)]
)
def test_window_ends(chest: Chest, hu: int, kind: int) -> None:
    flat = chest.scan.with_voxels(np.full(chest.scan.shape, hu, np.int16))
    both = measure(flat, chest.lesions, chest.lungs).both
    found = [both.ground_glass_ml, both.consolidation_ml, both.other_ml]
    assert found == pytest.approx([9.0 if kind == index else 0.0 for index in range(3)])
    assert both.well_aerated_ml == pytest.approx(RIGHT_ML + LEFT_ML if -950 <= hu < -700 else 0)


def test_lesions_are_listed_by_size(chest: Chest, measured: Measurements) -> None:
    first, second = measured.lesions.largest
    assert measured.lesions.count == 2
    assert (first.volume_ml, second.volume_ml) == pytest.approx((8, 1))
    assert (first.lung, first.zone, first.mean_hu) == ("right", "lower", -500)
    assert (second.lung, second.zone, second.mean_hu) == ("left", "upper", -100)
    assert first.centroid_mm == pytest.approx(chest.scan.to_mm(np.array([[5.5, 24.5, 9.5]]))[0])
    assert 4 <= first.slice_index < 8
    assert first.mean_probability is None


def test_corners_connect_and_specks_are_told_apart(chest: Chest) -> None:
    lesions = np.zeros_like(chest.lesions.voxels)
    lesions[5, 10, 10] = lesions[6, 11, 11] = 1
    lesions[12:14, 10:15, 10:15] = 1
    found = measure(chest.scan, chest.lesions.with_voxels(lesions), chest.lungs).lesions
    assert (found.count, found.speck_count, found.median_ml) == (2, 1, pytest.approx(1))


def test_probabilities_are_averaged_over_each_lesion(chest: Chest) -> None:
    chances = replace(chest.scan, voxels=np.where(chest.scan.voxels == -500, 0.8, 0.6).astype(np.float32))
    first, second = measure(*chest, probabilities=chances).lesions.largest
    assert (first.mean_probability, second.mean_probability) == pytest.approx((0.8, 0.6))


def test_profile_covers_every_slice(chest: Chest, measured: Measurements) -> None:
    profile = measured.profile
    assert len(profile.z_mm) == 30
    assert profile.z_mm == pytest.approx([-300 + 5 * index for index in range(30)])
    assert profile.lung_cm2[10] == pytest.approx(30 * 27 / 25)
    assert profile.lesion_cm2[5] == pytest.approx(100 / 25)
    assert profile.lesion_percent[5] == pytest.approx(100 * 100 / (30 * 27))
    assert profile.lesion_percent[0] is None
    assert sum(profile.lesion_cm2) * 0.5 == pytest.approx(measured.both.lesion_ml)


@pytest.mark.parametrize(("axes", "flips"), TURNS)
def test_turning_the_array_changes_nothing(
    chest: Chest, measured: Measurements, axes: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    again = measure(*turned(chest, axes, flips)).to_dict(digits=6)
    assert again == measured.to_dict(digits=6)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**16),
    turn=st.sampled_from(TURNS),
    tilt=st.floats(-0.35, 0.35),
    spacing=st.tuples(*[st.floats(0.5, 6)] * 3),
)
def test_random_masks_on_oblique_grids(
    seed: int, turn: tuple[tuple[int, ...], tuple[bool, ...]], tilt: float, spacing: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(seed)
    chest = make_chest(lesion=False)
    rotation = np.array([[1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.eye(3)[::-1] * spacing
    lesions = (rng.random(chest.scan.shape) < 0.1).astype(np.uint8)
    hu = rng.integers(-1024, 200, chest.scan.shape).astype(np.int16)
    first = Chest(*(replace(one, affine=affine) for one in chest))
    first = Chest(first.scan.with_voxels(hu), first.lesions.with_voxels(lesions), first.lungs)
    one, two = measure(*first), measure(*turned(first, *turn))
    assert _numbers(two.to_dict()) == pytest.approx(_numbers(one.to_dict()), rel=1e-4, abs=1e-3)
    voxel_ml = math.prod(spacing) / 1000
    inside = chest.lungs.voxels > 0
    assert one.both.lesion_ml == pytest.approx(lesions[inside].sum() * voxel_ml)
    assert one.lesion_outside_lungs_ml == pytest.approx(lesions[~inside].sum() * voxel_ml)
    assert sum(lesion.volume_ml for lesion in one.lesions.largest) <= one.both.lesion_ml * (1 + 1e-9)


def _numbers(value: object) -> list[float]:
    """All numbers of a nest of dicts and lists, in order; what is none becomes -1."""
    if isinstance(value, dict | list):
        return [number for one in (value.values() if isinstance(value, dict) else value) for number in _numbers(one)]
    return [-1.0 if value is None or isinstance(value, str) else float(value)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("burden", "name"),
    [
        *((0, "CT-0"), (0.04, "CT-0"), (0.05, "CT-1"), (24.99, "CT-1"), (25, "CT-2"), (49.9, "CT-2")),
        *((50, "CT-3"), (75, "CT-3"), (75.01, "CT-4"), (100, "CT-4")),
    ],
)
def test_severity_bands(burden: float, name: str) -> None:
    assert severity(burden).name == name


@pytest.mark.parametrize("burden", [0.0, 0.3])
def test_burden_of_phantoms_is_exact(burden: float) -> None:
    phantom = generate_phantom(4, shape=(12, 64, 64), burden=burden)
    lesions, lungs = (phantom.scan.with_voxels(mask, "mask") for mask in (phantom.lesion_mask, phantom.lungs))
    measured = measure(phantom.scan, lesions, lungs)
    assert measured.both.burden_percent == pytest.approx(100 * phantom.burden)
    assert measured.severity.name == {0.0: "CT-0", 0.3: "CT-2"}[burden]
    json.dumps(measured.to_dict(), allow_nan=False)


def test_without_lesion_every_figure_is_a_plain_zero() -> None:
    measured = measure(*make_chest(lesion=False))
    assert measured.both.lesion_ml == measured.both.burden_percent == 0
    assert (measured.lesions.count, measured.lesions.largest, measured.lesions.median_ml) == (0, (), None)
    assert measured.severity.name == "CT-0"
    json.dumps(measured.to_dict(), allow_nan=False)


def test_8_bit_scans_have_no_density_and_say_why(chest: Chest) -> None:
    grey = chest.scan.with_voxels(np.clip((chest.scan.voxels + 1250) / 6, 0, 255).astype(np.uint8), "display")
    measured = measure(grey, chest.lesions, chest.lungs)
    both = measured.both
    assert both.burden_percent == pytest.approx(100 * 9 / (RIGHT_ML + LEFT_ML))
    assert (both.ground_glass_ml, both.consolidation_ml, both.well_aerated_ml, both.well_aerated_percent) == (None,) * 4
    assert all(lesion.mean_hu is None for lesion in measured.lesions.largest)
    assert measured.hu_note is not None
    assert "8-bit" in measured.hu_note


def test_one_lung_and_nan_do_no_harm(chest: Chest) -> None:
    right = chest.lungs.with_voxels((chest.lungs.voxels == 1).astype(np.uint8))
    holed = chest.scan.voxels.astype(np.float32)
    holed[5, 25, 10] = np.nan
    measured = measure(chest.scan.with_voxels(holed), chest.lesions, right)
    assert measured.regions["left"].burden_percent is None
    assert measured.regions["left"].well_aerated_percent is None
    assert any("no left lung" in warning for warning in measured.warnings)
    json.dumps(measured.to_dict(), allow_nan=False)


def test_doubts_are_told(chest: Chest) -> None:
    measured = measure(*chest)
    assert any("389 ml" in warning for warning in measured.warnings)
    part = Chest(*(one.slab(10, 20) for one in chest))
    assert any("first or the last slice" in warning for warning in measure(*part).warnings)
    single = Chest(*(one.slab(5, 6) for one in chest))
    assert not any("slice" in warning for warning in measure(*single).warnings), "said of the scan already"
    elsewhere = chest.lesions.with_voxels((chest.lungs.voxels == 0).astype(np.uint8))
    assert any("100 % of what is marked" in warning for warning in measure(chest.scan, elsewhere, chest.lungs).warnings)


def test_usable_lungs_are_demanded(chest: Chest) -> None:
    with pytest.raises(InputError, match="holds no lung"):
        measure(chest.scan, chest.lesions, chest.lungs.with_voxels(np.zeros_like(chest.lungs.voxels)))
    with pytest.raises(InputError, match="class 3"):
        measure(chest.scan, chest.lesions, chest.lungs.with_voxels(chest.lungs.voxels + 1))
    with pytest.raises(ValueError, match="one shape"):
        measure(chest.scan, chest.lesions.slab(0, 5), chest.lungs)
