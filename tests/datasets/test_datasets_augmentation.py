from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
import torch

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Transforms
from groundglass.datasets.augmentation import Zoom
from groundglass.datasets.augmentation import jitter
from groundglass.errors import InputError

ALL_EIGHT = [(flip, turns) for flip in (False, True) for turns in range(4)]


def each(*moves: tuple[bool, int]) -> Dihedral:
    return Dihedral(torch.tensor([flip for flip, _ in moves]), torch.tensor([turns for _, turns in moves]))


def drawn(transforms: Transforms, count: int = 4000) -> Counter[tuple[bool, int]]:
    torch.manual_seed(0)
    moved = Dihedral.sample(count, transforms)
    return Counter(zip(moved.flips.tolist(), moved.turns.tolist(), strict=True))


@pytest.mark.parametrize("move", ALL_EIGHT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bool])
def test_undoing_gives_back_the_very_same_pixels(move: tuple[bool, int], dtype: torch.dtype) -> None:
    images = (torch.rand(3, 2, 6, 6) * 255).to(dtype)
    moved = each(*[move] * 3)
    assert torch.equal(moved.invert(moved.apply(images)), images)
    assert moved.apply(images).dtype == dtype


@pytest.mark.parametrize(("flip", "turns"), ALL_EIGHT)
def test_an_image_is_mirrored_left_right_then_turned(flip: bool, turns: int) -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3)
    expected = torch.rot90(image.flip(-1) if flip else image, turns, dims=(2, 3))
    assert torch.equal(each((flip, turns)).apply(image), expected)


def test_all_eight_are_different_and_each_image_gets_its_own() -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3).repeat(8, 1, 1, 1)
    moved = each(*ALL_EIGHT).apply(image)
    assert len({tuple(one.flatten().tolist()) for one in moved}) == 8
    for move, one in zip(ALL_EIGHT, moved, strict=True):
        assert torch.equal(each(move).apply(image[:1])[0], one)


def test_a_target_moves_like_its_image() -> None:
    torch.manual_seed(0)
    images = torch.rand(32, 1, 7, 7)
    moved = Dihedral.sample(32, "dihedral")
    assert torch.equal(moved.apply((images > 0.5).to(torch.uint8)), (moved.apply(images) > 0.5).to(torch.uint8))


def test_channels_last_images_stay_so() -> None:
    images = torch.rand(4, 3, 6, 6).contiguous(memory_format=torch.channels_last)
    assert each(*[(True, 1)] * 4).apply(images).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("turns", [1, 3])
def test_an_image_that_is_not_square_cannot_be_turned_by_90_degrees(turns: int) -> None:
    with pytest.raises(InputError, match=r"images of 4 x 6 cannot be rotated by 90 degrees; set a square grid\.size"):
        each((False, 0), (False, turns)).apply(torch.rand(2, 1, 4, 6))


@pytest.mark.parametrize("move", [(False, 0), (True, 0), (False, 2), (True, 2)])
def test_an_image_that_is_not_square_can_be_mirrored_and_turned_upside_down(move: tuple[bool, int]) -> None:
    images = torch.rand(2, 1, 4, 6)
    moved = each(move, move)
    assert torch.equal(moved.invert(moved.apply(images)), images)


def test_flip_always_mirrors_and_never_turns() -> None:
    assert set(drawn("flip")) == {(True, 0)}


def test_flip_rot_always_mirrors_and_turns_evenly() -> None:
    """As released: the flip comes before the rotation, so neither the identity nor a pure rotation is ever drawn."""
    counts = drawn("flip-rot")
    assert set(counts) == {(True, turns) for turns in range(4)}
    assert all(abs(count / 4000 - 1 / 4) < 0.03 for count in counts.values())


def test_uniform_never_mirrors_and_turns_together() -> None:
    """As in the paper's text: 0, 90, 180 and 270 degrees and a horizontal flip, evenly."""
    counts = drawn("uniform")
    assert set(counts) == {(True, 0), *((False, turns) for turns in range(4))}
    assert all(abs(count / 4000 - 1 / 5) < 0.03 for count in counts.values())


def test_dihedral_draws_all_eight_evenly() -> None:
    counts = drawn("dihedral")
    assert set(counts) == set(ALL_EIGHT)
    assert all(abs(count / 4000 - 1 / 8) < 0.03 for count in counts.values())


@pytest.mark.parametrize("transforms", get_args(Transforms))
def test_what_is_drawn_depends_on_torchs_seed(transforms: Transforms) -> None:
    assert drawn(transforms) == drawn(transforms)


def test_jitter_keeps_the_range_and_does_nothing_at_zero() -> None:
    torch.manual_seed(0)
    images = torch.rand(16, 1, 5, 5)
    assert torch.allclose(jitter(images, brightness=0.0, contrast=0.0), images)
    changed = jitter(images, brightness=0.9, contrast=0.9)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_jitter_draws_one_brightness_and_one_contrast_an_image() -> None:
    torch.manual_seed(0)
    images = torch.tensor([0.4, 0.5, 0.6]).view(1, 1, 1, 3).repeat(200, 1, 1, 1)
    low, middle, high = jitter(images, brightness=0.1, contrast=0.2)[:, 0, 0].T
    assert torch.allclose(middle - low, high - middle, atol=1e-6)
    shift, gain = middle - 0.5, (high - low) / 0.2
    assert shift.abs().max() <= 0.1 + 1e-6
    assert shift.abs().max() > 0.09
    assert (gain - 1).abs().max() <= 0.2 + 1e-5
    assert (gain - 1).abs().max() > 0.18


def test_a_zoom_of_one_changes_nothing() -> None:
    images = torch.rand(4, 1, 9, 12)
    still = Zoom.sample(4, 1.0)
    assert torch.allclose(still.apply(images), images, atol=1e-5)
    assert torch.equal(still.apply((images > 0.5).to(torch.uint8)), (images > 0.5).to(torch.uint8))


def test_a_zoom_by_two_shows_the_quarter_it_is_centered_on() -> None:
    image = torch.rand(1, 1, 8, 8)
    target = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8)
    corner = Zoom(torch.tensor([2.0]), torch.tensor([[0.5, -0.5]]))  # x to the right, y to the top
    assert torch.equal(corner.apply(target), target[..., :4, 4:].repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert torch.allclose(corner.apply(image).mean(), image[..., :4, 4:].mean(), atol=0.1)


def test_zooming_keeps_every_labeled_pixel_in_view_and_invents_none() -> None:
    torch.manual_seed(0)
    target = torch.full((64, 1, 16, 16), 255, dtype=torch.uint8)
    target[:, :, 8, 8] = 1  # near the center, in view however far the zoom of at most 1.5 is moved
    target[:, :, 0, :] = 0
    moved = Zoom.sample(64, 1.5).apply(target)
    assert (moved == 1).flatten(1).any(1).all()
    assert set(moved.unique().tolist()) <= {0, 1, 255}
    assert moved.dtype == torch.uint8


def test_zooms_are_drawn_up_to_the_largest_and_stay_inside() -> None:
    torch.manual_seed(0)
    drawn_zooms = Zoom.sample(2000, 1.5)
    assert drawn_zooms.factors.min() >= 1
    assert 1.49 < drawn_zooms.factors.max() <= 1.5
    half = 1 / drawn_zooms.factors.unsqueeze(1)
    assert (drawn_zooms.centers.abs() + half <= 1 + 1e-6).all()
    assert drawn_zooms.centers.min() < -0.2
    assert drawn_zooms.centers.max() > 0.2


def test_an_image_and_its_target_are_zoomed_alike() -> None:
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    blob = (((rows - 20) ** 2 + (columns - 30) ** 2) < 64).float().view(1, 1, 48, 48).repeat(16, 1, 1, 1)
    torch.manual_seed(0)
    zoom = Zoom.sample(16, 1.6)
    image, target = zoom.apply(blob) > 0.5, zoom.apply(blob.to(torch.uint8)) > 0
    assert 2 * (image & target).sum() / (image.sum() + target.sum()) > 0.97
    assert target.sum() > 1.1 * blob.sum()


@pytest.mark.parametrize("size", [(48, 48), (40, 64)])
def test_a_zoom_with_a_turn_is_brought_back(size: tuple[int, int]) -> None:
    rows, columns = torch.meshgrid(torch.arange(size[0]) / 48, torch.arange(size[1]) / 48, indexing="ij")
    smooth = (0.5 + 0.2 * torch.sin(5 * rows) + 0.2 * torch.cos(4 * columns)).expand(8, 1, *size)
    torch.manual_seed(0)
    zoom = Zoom.sample(8, 1.4, 20.0)
    back, seen = zoom.invert(zoom.apply(smooth)), zoom.invert(torch.ones_like(smooth)) > 0.999
    inner = torch.zeros_like(seen)
    inner[..., 8:-8, 8:-8] = True  # past the edges a turn repeats the border
    assert (seen & inner).float().mean() > 0.2
    assert float((back - smooth).abs()[seen & inner].max()) < 0.02


def test_a_volume_is_zoomed_and_brought_back_slice_by_slice() -> None:
    torch.manual_seed(0)
    volume, zoom = torch.rand(3, 1, 4, 16, 16), Zoom.sample(3, 1.4, 10.0)
    for moved in (zoom.apply, zoom.invert):
        assert torch.allclose(moved(volume)[:, :, 2], moved(volume[:, :, 2]), atol=1e-6)
