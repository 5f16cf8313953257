"""Lung masks that are given to ``predict``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.prediction.lungs import NO_LUNGS
from groundglass.prediction.lungs import PARTED
from groundglass.prediction.lungs import SWAPPED
from groundglass.prediction.lungs import lungs_of
from groundglass.prediction.lungs import with_sides
from groundglass.prediction.segmenter import Segmenter
from groundglass.prediction.segmenter import predict
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

GRID = Grid(size=(32, 32), crop="lungs")


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return generate_phantom(3, shape=(24, 64, 64), burden=0.2)


@pytest.fixture
def scan(phantom: Phantom, tmp_path: Path) -> Path:
    write_nifti(phantom.scan, tmp_path / "chest.nii.gz")
    return tmp_path / "chest.nii.gz"


@pytest.fixture(scope="module")
def checkpoint(small_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    method = build_method(small_config(grid={"size": [32, 32], "crop": "lungs", "outside": "black"}))
    path = tmp_path_factory.mktemp("run") / "some-run.ckpt"
    torch.save({"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}, path)
    return path


def given(phantom: Phantom, path: Path, voxels: np.ndarray | None = None) -> Path:
    write_nifti(phantom.scan.with_voxels(phantom.lungs if voxels is None else voxels, "mask"), path)
    return path


def test_a_given_mask_takes_the_place_of_the_one_that_would_be_found(
    checkpoint: Path, phantom: Phantom, scan: Path, tmp_path: Path
) -> None:
    half = np.where(np.arange(64) < 32, phantom.lungs, 0).astype(np.uint8)
    found = predict(scan, checkpoint, threshold=0.0, lungs=given(phantom, tmp_path / "lungs.nii.gz", half))
    assert found.lungs is not None
    assert np.array_equal(found.lungs.voxels > 0, half > 0)
    assert np.array_equal(found.lesions.voxels > 0, half > 0)
    assert found.lungs_from == "given by the user"
    assert predict(scan, checkpoint).lungs_from == "found by density and shape"


def test_a_mask_in_another_orientation_is_turned(phantom: Phantom, tmp_path: Path) -> None:
    affine = phantom.scan.affine.copy()
    affine[:3, 3] = phantom.scan.to_mm(np.array([[23, 0, 0]]))[0]
    affine[:3, 0] *= -1
    turned = Scan(np.swapaxes(phantom.lungs[::-1], 0, 2), affine[:, [2, 1, 0, 3]], "mask")
    write_nifti(turned, tmp_path / "turned.nii.gz")
    used = lungs_of(phantom.scan, tmp_path / "turned.nii.gz", GRID)
    assert used.mask is not None
    assert np.array_equal(used.mask.voxels, phantom.lungs)
    assert used.warnings == ()


@pytest.mark.parametrize("change", [lambda lungs: (lungs > 0) * 255, lambda lungs: lungs * 2, lambda lungs: -lungs % 3])
def test_a_mask_that_does_not_tell_right_from_left_is_parted(
    change: Callable[[np.ndarray], np.ndarray], phantom: Phantom, tmp_path: Path
) -> None:
    """One class, other classes; right and left swapped, as some datasets have them, are numbered anew."""
    path = given(phantom, tmp_path / "lungs.nii.gz", change(phantom.lungs.astype(int)).astype(np.uint8))
    used = lungs_of(phantom.scan, path, GRID)
    assert used.mask is not None
    assert np.array_equal(used.mask.voxels > 0, phantom.lungs > 0)
    assert (used.mask.voxels == phantom.lungs).mean() > 0.99
    swapped = np.array_equal(change(np.array([0, 1, 2])), [0, 2, 1])
    assert used.warnings == (SWAPPED if swapped else PARTED,)
    assert not swapped or np.array_equal(used.mask.voxels, phantom.lungs)


def test_one_lung_alone_is_not_parted() -> None:
    scan = Scan(np.zeros((4, 20, 40), np.uint8), np.eye(4)[[2, 1, 0, 3]], "mask")
    for side, columns in ((1, slice(4, 18)), (2, slice(22, 36))):
        one = scan.voxels.copy()
        one[:, 4:16, columns] = side
        kept = with_sides(scan.with_voxels(one), Path("lungs.nii"))
        assert kept.mask is not None
        assert np.array_equal(kept.mask.voxels, one)
        assert kept.warnings == ()
        wrong = with_sides(scan.with_voxels(np.where(one > 0, 3 - one, one)), Path("lungs.nii"))
        assert wrong.warnings == (PARTED,), "numbered as the other lung"


def test_a_mask_that_does_not_fit_is_said(phantom: Phantom, tmp_path: Path) -> None:
    small = Scan(phantom.lungs[:, 2:], phantom.scan.affine, "mask")
    shifted = phantom.scan.affine.copy()
    shifted[0, 3] += 30
    for mask, words in (
        (small, "24 x 62 x 64 voxels instead of 24 x 64 x 64"),
        (Scan(phantom.lungs, shifted, "mask"), "its corners lie up to"),
        (Scan(phantom.lungs * 0, phantom.scan.affine, "mask"), "this lung mask is empty"),
    ):
        write_nifti(mask, tmp_path / "lungs.nii.gz")
        with pytest.raises(InputError, match=rf"lungs\.nii\.gz: .*{words}"):
            lungs_of(phantom.scan, tmp_path / "lungs.nii.gz", GRID)
    with pytest.raises(InputError, match="there is no such file"):
        lungs_of(phantom.scan, tmp_path / "nowhere.nii.gz", GRID)


def test_the_gray_edges_of_a_jpeg_are_no_lung(tmp_path: Path) -> None:
    pixels = np.zeros((40, 40), np.uint8)
    pixels[10:30, 10:30] = 255
    Image.fromarray(pixels).save(tmp_path / "lungs.jpg", quality=60)
    image = Scan(np.full((1, 40, 40), 90, np.uint8), np.eye(4)[[2, 1, 0, 3]], "display")
    used = lungs_of(image, tmp_path / "lungs.jpg", GRID)
    assert used.mask is not None
    assert np.array_equal(used.mask.voxels[0] > 0, pixels > 0)


def test_8_bit_images_without_a_mask_are_warned_of_where_the_model_wants_lungs(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.full((40, 40), 90, np.uint8)).save(tmp_path / f"{name}.png")
    segmenter = Segmenter(checkpoint)
    for name in ("a", "b"):
        assert NO_LUNGS in segmenter.predict(tmp_path / f"{name}.png", intensity="display").warnings
    assert caplog.text.count(NO_LUNGS) == 1
    pixels = np.zeros((40, 40), np.uint8)
    pixels[10:30, 4:36] = 255
    (tmp_path / "lungs").mkdir()
    Image.fromarray(pixels).save(tmp_path / "lungs" / "a.png")
    found = segmenter.predict(tmp_path / "a.png", intensity="display", lungs=tmp_path / "lungs")
    assert NO_LUNGS not in found.warnings
    assert found.lungs is not None
    assert np.array_equal(found.lungs.voxels[0] > 0, pixels > 0)
    gray = Scan(np.zeros((1, 40, 40), np.uint8), np.eye(4), "display")
    assert lungs_of(gray, None, Grid(size=(32, 32))).warnings == (), "who wants no lungs misses none"


def test_a_single_slice_in_hounsfield_units_can_be_predicted_with_its_lungs(
    checkpoint: Path, phantom: Phantom, tmp_path: Path
) -> None:
    write_nifti(phantom.scan.slab(12, 13), tmp_path / "slice.nii.gz")
    write_nifti(phantom.scan.with_voxels(phantom.lungs, "mask").slab(12, 13), tmp_path / "lungs.nii.gz")
    found = predict(tmp_path / "slice.nii.gz", checkpoint, threshold=0.0, lungs=tmp_path / "lungs.nii.gz")
    assert np.array_equal(found.lesions.voxels[0] > 0, phantom.lungs[12] > 0)
