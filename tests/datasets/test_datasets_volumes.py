"""Whole scans as volumes: the box around the lungs, there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.volume_samples import VolumeSamples
from groundglass.datasets.volumes import known_lungs
from groundglass.datasets.volumes import lung_box
from groundglass.datasets.volumes import restore_slices
from groundglass.datasets.volumes import volume_affine
from groundglass.datasets.volumes import volume_image
from groundglass.datasets.volumes import volume_mask
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
GRID = Grid(size=(32, 32), depth=8)


def scan_with_box(shape: tuple[int, int, int], box: tuple[slice, ...], seed: int = 0) -> tuple[Scan, Scan]:
    lungs = np.zeros(shape, np.uint8)
    lungs[box] = 1
    voxels = np.random.default_rng(seed).integers(-1250, 250, shape)
    return Scan(voxels.astype(np.int16), AFFINE, "hu"), Scan(lungs, AFFINE, "mask")


def test_the_box_is_tight_around_the_lungs() -> None:
    where = (slice(2, 9), slice(5, 30), slice(7, 8))
    assert lung_box(*scan_with_box((10, 40, 20), where)) == where


def test_without_lungs_it_is_the_whole_scan() -> None:
    scan, _ = scan_with_box((3, 4, 5), (slice(0, 1),) * 3)
    assert lung_box(scan, None) == (slice(0, 3), slice(0, 4), slice(0, 5))


def test_a_box_of_the_networks_size_is_taken_as_it_is() -> None:
    scan, lungs = scan_with_box((12, 50, 40), (slice(2, 10), slice(9, 41), slice(4, 36)))
    box = lung_box(scan, lungs)
    image = volume_image(scan, box, GRID)
    assert image.shape == (1, 8, 32, 32)
    assert torch.allclose(image[0], torch.from_numpy((scan.voxels[box] + 1250) / 1500).float(), atol=1e-6)
    mask = (np.random.default_rng(1).random(scan.shape) > 0.5).astype(np.uint8)
    assert torch.equal(volume_mask(mask, box, GRID)[0], torch.from_numpy(mask[box]))
    whole = restore_slices(image[0], box, scan.shape, slice(0, 12))
    assert np.allclose(whole[box], image[0].numpy(), atol=1e-6)
    assert whole.sum() == pytest.approx(whole[box].sum())


def test_eight_bit_is_taken_as_windowed_and_outside_can_be_black() -> None:
    voxels = np.full((8, 32, 32), 51, np.uint8)
    scan, lungs = Scan(voxels, AFFINE, "display"), np.zeros((8, 32, 32), np.uint8)
    lungs[:, :, :16] = lungs[:, -1, -1:] = 1
    box = (slice(0, 8), slice(0, 32), slice(0, 32))
    assert torch.allclose(volume_image(scan, box, GRID), torch.tensor(0.2))
    black = volume_image(scan, box, Grid(size=(32, 32), depth=8, outside="black"), scan.with_voxels(lungs, "mask"))
    assert black[0, :, 5, :16].min() > 0.19
    assert black[0, :, 5, 16:].max() == 0


@pytest.mark.parametrize("shape", [(20, 60, 60), (5, 20, 26), (8, 32, 32)])
def test_smooth_probabilities_come_back_where_they_were(shape: tuple[int, int, int]) -> None:
    """A plane of slope along each axis is the same after resampling there and back, away from the edges."""
    ramp = sum(np.linspace(0, 1, n).reshape([-1 if i == axis else 1 for i in range(3)]) for axis, n in enumerate(shape))
    scan = Scan((np.asarray(ramp) / 3 * 255).astype(np.float32), AFFINE, "display")
    box = lung_box(scan, None)
    back = restore_slices(volume_image(scan, box, GRID)[0], box, shape, slice(0, shape[0]))
    inner = tuple(slice(n // 4, n - n // 4) for n in shape)
    assert np.abs(back - scan.voxels / 255)[inner].max() < 0.02


def test_slices_restored_one_by_one_are_those_of_the_whole() -> None:
    volume, box = torch.rand(8, 32, 32), (slice(3, 20), slice(2, 39), slice(0, 30))
    whole = restore_slices(volume, box, (24, 40, 31), slice(0, 24))
    parts = [restore_slices(volume, box, (24, 40, 31), slice(start, start + 5)) for start in range(0, 24, 5)]
    assert np.allclose(np.concatenate(parts)[:24], whole, atol=1e-6)


def test_the_affine_maps_a_voxel_to_where_its_tissue_is() -> None:
    scan, lungs = scan_with_box((20, 64, 64), (slice(4, 20), slice(0, 64), slice(0, 64)))
    index = np.array([[0, 0, 0]])
    place = volume_affine(scan, lung_box(scan, lungs), GRID)[:3, 3]
    assert place == pytest.approx(scan.to_mm(np.array([[4.5, 0.5, 0.5]]))[0])
    assert index.shape == (1, 3)


def test_samples_have_tags_targets_and_lungs(volumes_one_mask: DatasetFolder) -> None:
    samples = VolumeSamples(volumes_one_mask, volumes_one_mask.split.training, GRID)
    assert len(samples) == 8
    assert samples.tensors["tag"].tolist() == [1, 0] * 4
    assert samples.labeled.tolist() == [True] + [False] * 7
    sample = samples[0]
    assert {key: tuple(value.shape) for key, value in sample.items()} == {
        "image": (1, 8, 32, 32),
        "target": (1, 8, 32, 32),
        "tag": (),
        "lung": (1, 8, 32, 32),
        "upright": (),
        "case": (),
        "index": (),
    }
    assert (sample["image"].dtype, sample["target"].dtype) == (torch.float32, torch.uint8)
    lesion = sample["target"] == 1
    assert sample["image"][lesion].mean() > sample["image"][sample["lung"] & ~lesion].mean() + 0.2
    assert not (lesion & ~sample["lung"]).any()


def test_a_click_is_set_where_its_tissue_is(volumes_copy: DatasetFolder) -> None:
    case = volumes_copy.split.training[1]
    scan = volumes_copy.scan(case)
    x, y, z = scan.to_mm(np.array([[6, 20, 10]]))[0]
    volumes_copy.store.append([Point(case=case.case, seconds=3, position=(x, y, z), label=1)])
    samples = VolumeSamples(volumes_copy, [case], GRID)
    found = (samples.tensors["target"][0, 0] == 1).nonzero()
    affine = volume_affine(scan, lung_box(scan, volumes_copy.lungs(case)), GRID)
    place = affine[:3, :3] @ found[0].numpy() + affine[:3, 3]
    assert len(found) == 1
    assert np.abs(place - [x, y, z]).max() < 4


def test_a_scan_whose_lung_mask_is_empty_is_left_out_and_named(
    volumes_copy: DatasetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    case = volumes_copy.split.training[2]
    lungs = volumes_copy.lungs(case)
    assert lungs is not None
    write_nifti(lungs.with_voxels(lungs.voxels * 0), volumes_copy.root / str(case.lungs))
    samples = VolumeSamples(volumes_copy, volumes_copy.split.training, GRID)
    assert samples.left_out == ["scan02"]
    assert len(samples) == len(samples.case_names) == 7
    assert "case scan02 is left out" in caplog.text
    assert "lung mask is empty" in caplog.text
    with pytest.raises(InputError, match="no scan with lungs"):
        VolumeSamples(volumes_copy, [case], GRID)


def test_lungs_that_are_not_given_are_found() -> None:
    phantom = generate_phantom(3, shape=(24, 64, 64))
    found = known_lungs(phantom.scan, None)
    assert found is not None
    assert ((found.voxels > 0) & (phantom.lungs > 0)).sum() > 0.7 * (phantom.lungs > 0).sum()
    with pytest.raises(InputError, match="no lungs are in view"):
        known_lungs(Scan(np.full((4, 32, 32), -1000), AFFINE, "hu"), None)
    assert known_lungs(Scan(np.zeros((4, 32, 32)), AFFINE, "display"), None) is None


@pytest.mark.parametrize(
    ("options", "words"), [({"depth": 2}, "grid.depth 2"), ({"depth": 8, "crop": "lungs"}, "grid.crop is for slices")]
)
def test_a_senseless_grid_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Grid(**options)  # type: ignore[arg-type]
