from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import restore
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.preprocessing import slice_masks
from groundglass.errors import InputError
from groundglass.scans.scan import Scan

AFFINE = np.array([[0.1, 0, 0.8, -20], [0, 0.7, 0.05, -30], [5, 0, 0.1, -100], [0, 0, 0, 1]])
lengths = st.integers(32, 80)


def scan_of(*shape: int, voxels: Any = None, intensity: Any = "hu") -> Scan:
    return Scan(np.zeros(shape, np.int16) if voxels is None else np.asarray(voxels), AFFINE, intensity)


@given(
    shape=st.tuples(lengths, lengths),
    size=st.tuples(lengths, lengths),
    crop=st.none() | st.tuples(st.integers(1, 100), st.integers(1, 100)),
)
@settings(max_examples=60, deadline=None)
def test_positions_are_kept_exactly(
    shape: tuple[int, int], size: tuple[int, int], crop: tuple[int, int] | None
) -> None:
    """The edges of the crop in the file's grid are the edges of the network's grid, in mm."""
    grid, scan = Grid(size=size, crop=crop), scan_of(3, *shape)
    rows, columns = grid.box(scan.shape)
    affine = grid.affine(scan)
    for d, kept, made in (
        (0, (rows.start - 0.5, columns.start - 0.5), (-0.5, -0.5)),
        (2, (rows.stop - 0.5, columns.stop - 0.5), (size[0] - 0.5, size[1] - 0.5)),
    ):
        assert np.allclose(affine @ [d, *made, 1], AFFINE @ [d, *kept, 1], atol=1e-9)


@given(shape=st.tuples(lengths, lengths), crop=st.tuples(st.integers(1, 100), st.integers(1, 100)))
@settings(max_examples=60, deadline=None)
def test_a_crop_is_centered_and_stays_in_the_image(shape: tuple[int, int], crop: tuple[int, int]) -> None:
    for part, have, keep in zip(Grid(crop=crop).box((3, *shape)), shape, crop, strict=True):
        assert part.stop - part.start == min(keep, have)
        assert 0 <= part.start - (have - part.stop) + 1 <= 1
        assert part.stop <= have


def test_without_a_crop_all_is_kept() -> None:
    assert Grid().box((3, 40, 50)) == (slice(0, 40), slice(0, 50))


@given(shape=st.tuples(lengths, lengths), crop=st.tuples(lengths, lengths), size=st.tuples(lengths, lengths))
@settings(max_examples=40, deadline=None)
def test_the_margin_reaches_the_corners_of_the_image(
    shape: tuple[int, int], crop: tuple[int, int], size: tuple[int, int]
) -> None:
    grid, scan = Grid(size=size, crop=crop), scan_of(1, *shape)
    to_index = np.linalg.inv(grid.affine(scan))
    corners = np.array([to_index @ scan.affine @ [0, h, w, 1] for h in (0, shape[0] - 1) for w in (0, shape[1] - 1)])
    margin = np.array(grid.margin(scan.shape))
    assert (corners[:, :3] >= -0.5 - margin - 1e-6).all()
    assert (corners[:, :3] <= np.array([0, *size]) - 0.5 + margin + 1e-6 + [0.5, 0, 0]).all()


def test_without_a_crop_there_is_no_margin() -> None:
    assert Grid().margin((3, 40, 50)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (31, 64)}, r"grid\.size \(31, 64\) is too small"),
        ({"window": (250.0, -1250.0)}, r"grid\.window .* must be the lower, then the upper"),
        ({"window": (0.0, 0.0)}, r"grid\.window"),
        ({"crop": (0, 64)}, r"grid\.crop"),
        ({"crop": (64, -1)}, r"grid\.crop"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Grid(**options)


def test_images_are_float32_of_the_networks_size() -> None:
    images = slice_images(scan_of(4, 50, 60), Grid(size=(32, 48)))
    assert images.shape == (4, 1, 32, 48)
    assert images.dtype == torch.float32


def test_some_slices_are_those_of_all() -> None:
    rng = np.random.default_rng(0)
    scan = scan_of(4, 40, 40, voxels=rng.integers(-1000, 200, (4, 40, 40), dtype=np.int16))
    grid = Grid(size=(32, 32), crop=(36, 30))
    assert torch.equal(slice_images(scan, grid, slice(1, 3)), slice_images(scan, grid)[1:3])


def test_hounsfield_units_are_windowed() -> None:
    voxels = np.full((5, 32, 32), 0, np.int16)
    voxels[:] = np.array([-2000, -1250, -500, 250, 900])[:, None, None]
    images = slice_images(scan_of(5, 32, 32, voxels=voxels), Grid(size=(32, 32)))
    assert torch.allclose(images[:, 0, 5, 5], torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))
    narrow = slice_images(scan_of(5, 32, 32, voxels=voxels), Grid(size=(32, 32), window=(-1000.0, 0.0)))
    assert torch.allclose(narrow[:, 0, 5, 5], torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


def test_an_8_bit_image_is_windowed_already() -> None:
    voxels = np.full((3, 32, 32), 0, np.uint8)
    voxels[:] = np.array([0, 51, 255], np.uint8)[:, None, None]
    scan = scan_of(3, 32, 32, voxels=voxels, intensity="display")
    for window in ((-1250.0, 250.0), (-10.0, 10.0)):
        images = slice_images(scan, Grid(size=(32, 32), window=window))
        assert torch.allclose(images[:, 0, 5, 5], torch.tensor([0.0, 0.2, 1.0]))


def test_the_crop_is_what_is_seen() -> None:
    voxels = np.full((1, 64, 64), -1250, np.int16)
    voxels[0, 16:48, 12:52] = 250
    scan = scan_of(1, 64, 64, voxels=voxels)
    assert (slice_images(scan, Grid(size=(32, 40), crop=(32, 40))) == 1).all()


def test_a_mask_pixel_is_lesion_if_half_of_it_is() -> None:
    voxels = np.zeros((1, 64, 64), np.uint8)
    voxels[0, 20:40, 21:40] = 3
    mask = slice_masks(scan_of(1, 64, 64, voxels=voxels, intensity="mask"), Grid(size=(64, 64)))
    assert mask.dtype == bool
    assert np.array_equal(mask, voxels > 0)
    smaller = slice_masks(scan_of(1, 64, 64, voxels=voxels, intensity="mask"), Grid(size=(32, 32)))
    assert smaller[0, 10:20, 11:20].all()
    assert not smaller[0, :9].any()
    assert abs(int(smaller.sum()) - 95) <= 10


@pytest.mark.parametrize("crop", [None, (40, 36)])
def test_probabilities_come_back_to_the_scans_shape_and_are_zero_beside_the_crop(crop: tuple[int, int] | None) -> None:
    grid = Grid(size=(32, 32), crop=crop)
    whole = restore(torch.ones(2, 1, 32, 32), grid, (7, 60, 50))
    assert whole.shape == (2, 60, 50)
    rows, columns = grid.box((7, 60, 50))
    assert torch.allclose(whole[:, rows, columns], torch.ones(()))
    assert float(whole.sum()) == pytest.approx(2 * (60 * 50 if crop is None else 40 * 36), rel=1e-5)


def test_a_blob_goes_to_the_network_and_back_to_its_own_place() -> None:
    rows, columns = np.mgrid[:90, :120]
    blob = np.hypot(rows - 30, columns - 70) < 12
    grid = Grid(size=(64, 64), crop=(80, 100))
    seen = slice_masks(scan_of(1, 90, 120, voxels=blob[None].astype(np.uint8), intensity="mask"), grid)
    back = restore(torch.from_numpy(seen).float().unsqueeze(1), grid, (1, 90, 120))[0].numpy() > 0.5
    assert 2 * (back & blob).sum() / (back.sum() + blob.sum()) > 0.95
    assert np.allclose(np.argwhere(back).mean(axis=0), [30, 70], atol=0.6)


def lungs_of(shape: tuple[int, int, int], rows: slice, columns: slice) -> Scan:
    voxels = np.zeros(shape, np.uint8)
    voxels[1, rows, columns] = 1
    return scan_of(*shape, voxels=voxels, intensity="mask")


def test_the_lung_box_holds_the_lungs_of_all_slices_and_a_margin() -> None:
    shape = (4, 120, 200)
    grid = Grid(size=(64, 64), crop="lungs").around(lungs_of(shape, slice(10, 110), slice(50, 150)))
    assert grid.box(shape) == (slice(7, 113), slice(47, 153))
    assert grid.size == (64, 64)
    scan = scan_of(*shape)
    top_left = grid.affine(scan) @ [0, -0.5, -0.5, 1]
    assert np.allclose(top_left, AFFINE @ [0, 6.5, 46.5, 1])


def test_the_lung_box_stays_in_the_image() -> None:
    shape = (4, 60, 50)
    grid = Grid(crop="lungs").around(lungs_of(shape, slice(0, 60), slice(0, 49)))
    assert grid.box(shape) == (slice(0, 60), slice(0, 50))


@pytest.mark.parametrize("lungs", [None, lungs_of((4, 60, 50), slice(0), slice(0))])
def test_without_lungs_the_whole_image_is_kept(lungs: Scan | None) -> None:
    assert Grid(crop="lungs").around(lungs).box((4, 60, 50)) == (slice(0, 60), slice(0, 50))


def test_a_grid_that_does_not_look_at_lungs_stays_as_it_is() -> None:
    grid = Grid(crop=(40, 40))
    assert grid.around(lungs_of((4, 60, 50), slice(3, 9), slice(3, 9))) is grid
    assert not grid.uses_lungs
    assert Grid(outside="black").uses_lungs


def test_what_is_outside_the_lungs_can_be_black() -> None:
    shape = (4, 64, 64)
    lungs = lungs_of(shape, slice(16, 48), slice(16, 48))
    scan = scan_of(*shape, voxels=np.full(shape, 250, np.int16))
    black = slice_images(scan, Grid(size=(64, 64), outside="black"), lungs=lungs)
    assert np.array_equal(black[:, 0] > 0, lungs.voxels > 0)
    assert (slice_images(scan, Grid(size=(64, 64)), lungs=lungs) == 1).all()
    assert (slice_images(scan, Grid(size=(64, 64), outside="black")) == 1).all()
    part = slice_images(scan, Grid(size=(64, 64), outside="black"), slice(1, 3), lungs)
    assert np.array_equal(part[:, 0] > 0, lungs.voxels[1:3] > 0)


def test_aerated_lung_of_an_8_bit_scan_comes_to_the_gray_asked_for_and_lesions_stay_brighter() -> None:
    voxels = np.full((2, 64, 64), 100, np.uint8)
    voxels[:, 10:14, 10:14] = 180
    voxels[:, 40:44, 10:14] = 255
    lungs = np.zeros((2, 64, 64), np.uint8)
    lungs[:, :50, :50] = 1
    scan = Scan(voxels, np.eye(4), "display")
    grid = Grid(size=(64, 64), aerated=0.2)
    image = slice_images(scan, grid, lungs=scan.with_voxels(lungs, "mask"))
    assert image[0, 0, 30, 30] == pytest.approx(0.2, abs=1e-6)
    assert image[0, 0, 12, 12] == pytest.approx((180 / 255) ** (np.log(0.2) / np.log(100 / 255)), abs=1e-5)
    assert image[0, 0, 42, 12] == 1
    assert slice_images(scan, grid)[0, 0, 30, 30] == pytest.approx(100 / 255)
    hu = Scan(voxels.astype(np.int16) - 900, np.eye(4), "hu")
    kept = slice_images(hu, grid, lungs=scan.with_voxels(lungs, "mask"))
    assert torch.equal(kept, slice_images(hu, Grid(size=(64, 64))))


def test_an_all_black_lung_is_left_alone() -> None:
    scan = Scan(np.zeros((1, 64, 64), np.uint8), np.eye(4), "display")
    lungs = scan.with_voxels(np.ones((1, 64, 64), np.uint8), "mask")
    assert (slice_images(scan, Grid(size=(64, 64), aerated=0.2), lungs=lungs) == 0).all()


def test_the_box_around_the_lungs_keeps_every_other_setting() -> None:
    lungs = Scan(np.ones((1, 64, 64), np.uint8), np.eye(4), "mask")
    grid = Grid(size=(64, 64), crop="lungs", outside="black", aerated=0.2).around(lungs)
    assert (grid.outside, grid.aerated, grid.size) == ("black", 0.2, (64, 64))


def test_an_impossible_gray_is_refused() -> None:
    with pytest.raises(InputError, match=r"grid\.aerated 2"):
        Grid(aerated=2)
