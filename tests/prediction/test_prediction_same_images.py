"""A network is shown the same images in training, in scoring and by ``predict``, whoever knows where the lungs are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.prepare import prepare
from groundglass.datasets.samples import SliceSamples
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.splits import PARTS
from groundglass.datasets.splits import Split
from groundglass.experiments.config import Config
from groundglass.metrics.overlap import OverlapMeter
from groundglass.prediction.lungs import NO_LUNGS
from groundglass.prediction.segmenter import Segmenter
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan
from groundglass.training.run import Run
from groundglass.training.run import train

SLICES = {"size": [48, 48], "crop": "lungs", "outside": "black"}
VOLUME = {"size": [32, 32], "depth": 12, "outside": "black"}
Make = Callable[..., Config]


@pytest.fixture(scope="module")
def chests(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Five generated chests with lung masks, in HU; read only."""
    root = tmp_path_factory.mktemp("chests") / "data"
    folder = prepare(PhantomSet(count=5, shape=(20, 80, 80)), root, name="chests")
    simulate_labels(folder, ["masks"])
    return folder


def changed(folder: DatasetFolder, root: Path, **changes: Any) -> DatasetFolder:
    """A copy whose cases are changed."""
    shutil.copytree(folder.root, root)
    parts = {part: tuple(replace(case, **changes) for case in getattr(folder.split, part)) for part in PARTS}
    copy = DatasetFolder(root, folder.name, Split(**parts))
    copy.save()
    return copy


def without_lungs(folder: DatasetFolder, root: Path) -> DatasetFolder:
    shutil.rmtree(changed(folder, root, lungs=None).root / "lungs")
    return DatasetFolder.open(root)


def eight_bit(folder: DatasetFolder, root: Path) -> DatasetFolder:
    copy = changed(folder, root, intensity="display")
    for case in (case for part in PARTS for case in getattr(copy.split, part)):
        scan = folder.scan(case=replace(case, intensity="hu"))
        grays = np.rint(255 * window_scan(scan, Window(-1250, 250))).astype(np.uint8)
        write_nifti(Scan(grays, scan.affine, "display"), copy.root / case.image)
    return copy


def trained(small_config: Make, folder: DatasetFolder, output: Path, grid: dict[str, Any], **others: Any) -> Run:
    settings = {"lr": 0.01, "brightness": 0.0, "contrast": 0.0}
    changes: dict[str, Any] = {"method": "full", "grid": grid, "epochs": 4, "settings": settings, **others}
    if "depth" in grid:
        changes |= {"network": "unet3d", "network_options": {"base": 4}, "epochs": 12, "batch_size": 1}
    config = small_config(**changes)
    return train(config, folder.root, output, device="cpu", quiet=True)


def dice_of_predict(run: Run, folder: DatasetFolder, **options: Any) -> float:
    """Global Dice of what ``predict`` makes of the test scans."""
    segmenter, meter = Segmenter(run.folder), OverlapMeter()
    for case in folder.split.test:
        found, mask = segmenter.predict(folder.root / case.image, **options), folder.mask(case)
        assert mask is not None
        meter.update(case.case, found.lesions.voxels > 0, mask.voxels > 0)
    return float(meter.compute()["dice_global"])


@pytest.mark.parametrize("grid", [SLICES, {"size": [48, 48], "outside": "black"}, {"size": [48, 48], "crop": "lungs"}])
def test_scans_without_lung_masks_score_in_training_as_predict_does(
    grid: dict[str, Any], chests: DatasetFolder, small_config: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = without_lungs(chests, tmp_path / "data")
    run = trained(small_config, folder, tmp_path / "run", grid)
    measured = run.result["metrics"]["dice_global_at_threshold"]
    assert measured > 0.1
    assert dice_of_predict(run, folder) == pytest.approx(measured, abs=1e-3)
    assert caplog.text.count(f"{folder.root}: 5 of 5 scans have no lung mask; their lungs are found by density") == 1


def test_training_sees_the_lungs_that_predict_finds(chests: DatasetFolder, tmp_path: Path) -> None:
    """As if the masks that ``predict`` finds were the dataset's own."""
    found = prepare(PhantomSet(count=5, shape=(20, 80, 80), lungs="found"), tmp_path / "found", name="found")
    bare = without_lungs(chests, tmp_path / "bare")
    grid = Grid(size=(48, 48), crop="lungs", outside="black")
    own, sought = (SliceSamples(folder, folder.split.training, grid) for folder in (found, bare))
    assert torch.equal(own.tensors["image"], sought.tensors["image"])
    assert torch.equal(own.tensors["lung"], sought.tensors["lung"])


@pytest.mark.parametrize("grid", [SLICES, VOLUME])
def test_8_bit_scans_score_in_training_as_predict_does_with_their_lung_masks(
    grid: dict[str, Any], chests: DatasetFolder, small_config: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = eight_bit(chests, tmp_path / "data")
    run = trained(small_config, folder, tmp_path / "run", grid)
    measured = run.result["metrics"]["dice_global_at_threshold"]
    assert measured > 0.1
    options = {"intensity": "display", "lungs": folder.root / "lungs"}
    assert dice_of_predict(run, folder, **options) == pytest.approx(measured, abs=1e-3)
    assert NO_LUNGS not in caplog.text
    assert dice_of_predict(run, folder, intensity="display") != pytest.approx(measured, abs=1e-3)
    assert caplog.text.count(NO_LUNGS) == 1


def test_smoothing_across_slices_is_the_same_in_scoring_and_in_predict(
    chests: DatasetFolder, small_config: Make, tmp_path: Path
) -> None:
    """Also where slices beyond the lungs are not black and so have a say in their neighbors."""
    folder = without_lungs(chests, tmp_path / "data")
    run = trained(small_config, folder, tmp_path / "run", {"size": [48, 48], "crop": "lungs"}, smooth_mm=12.0)
    measured = run.result["metrics"]["dice_global_at_threshold"]
    assert dice_of_predict(run, folder) == pytest.approx(measured, abs=1e-4)


def test_a_grid_that_wants_no_lungs_is_given_what_it_was(
    chests: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("groundglass.datasets.lungs.lung_mask", lambda _: pytest.fail("nobody wants lungs"))
    folder, grid = without_lungs(chests, tmp_path / "data"), Grid(size=(48, 48), crop=(60, 60))
    whole = SliceSamples(folder, folder.split.training, grid)
    assert whole.tensors["lung"].all()
    assert torch.equal(whole.tensors["image"], SliceSamples(chests, chests.split.training, grid).tensors["image"])
    assert "lung" not in caplog.text
