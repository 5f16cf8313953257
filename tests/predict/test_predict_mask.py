from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.predict.predictor import predict_mask
from groundglass.scans.nifti import write_nifti
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)


@pytest.fixture(scope="module")
def run_folder(small_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network has random weights: it treats up and down, left and right differently."""
    torch.manual_seed(0)
    method = build_method(small_config())
    folder = tmp_path_factory.mktemp("run")
    (folder / "checkpoints").mkdir()
    content = {"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}
    torch.save(content, folder / "checkpoints" / "best.ckpt")
    return folder


def write_scan(path: Path) -> Scan:
    voxels = np.random.default_rng(0).integers(-1000, 200, (3, 40, 44), dtype=np.int16)
    write_nifti(Scan(voxels, AFFINE, "hu"), path)
    return read_scan(path)


def threshold_of(scan: Scan, run_folder: Path) -> float:
    """A threshold that splits the scan's probabilities in halves of very different voxels."""
    for threshold in np.linspace(0.2, 0.8, 61):
        if 0.3 < predict_mask(str(scan.path), run_folder, threshold=float(threshold)).voxels.mean() < 0.7:
            return float(threshold)
    raise AssertionError("no threshold splits the scan")


def test_a_mask_lies_on_the_files_own_grid_however_its_axes_run(run_folder: Path, tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan.nii.gz")
    threshold = threshold_of(scan, run_folder)
    mask = predict_mask(tmp_path / "scan.nii.gz", run_folder, threshold=threshold)
    assert mask.shape == scan.shape
    assert np.allclose(mask.affine, scan.affine)

    turned = scan.affine.copy()
    turned[:3, 3] = (scan.affine @ [2, 39, 0, 1])[:3]
    turned[:3, :2] *= -1
    write_nifti(Scan(scan.voxels[::-1, ::-1].copy(), turned, "hu"), tmp_path / "turned.nii.gz")
    again = predict_mask(tmp_path / "turned.nii.gz", run_folder, threshold=threshold)
    assert np.array_equal(again.voxels[::-1, ::-1], mask.voxels)
    assert not np.array_equal(again.voxels, mask.voxels)


def test_the_threshold_is_the_runs_own_unless_said(run_folder: Path, tmp_path: Path) -> None:
    write_scan(tmp_path / "scan.nii.gz")
    own = predict_mask(tmp_path / "scan.nii.gz", run_folder)
    assert np.array_equal(own.voxels, predict_mask(tmp_path / "scan.nii.gz", run_folder, threshold=0.5).voxels)
    assert predict_mask(tmp_path / "scan.nii.gz", run_folder, threshold=1.0).voxels.sum() == 0


def test_a_missing_run_or_scan_is_said(run_folder: Path, tmp_path: Path) -> None:
    write_scan(tmp_path / "scan.nii.gz")
    with pytest.raises(InputError, match="there is no checkpoint"):
        predict_mask(tmp_path / "scan.nii.gz", tmp_path / "none")
    with pytest.raises(InputError, match=r"none\.nii\.gz"):
        predict_mask(tmp_path / "none.nii.gz", run_folder)
