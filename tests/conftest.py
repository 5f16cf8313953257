"""What tests of several folders share: a tiny prepared dataset, and a network and recipe small enough to train."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import simulate_labels
from groundglass.datasets.splits import Split
from groundglass.experiments.config import Config
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan

SIZE = 48
AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.7, 0, -30], [5, 0, 0, -100], [0, 0, 0, 1]], float)
"""Canonical orientation: slices feet to head, rows to the back, columns to the left."""


def blob_case(seed: int) -> tuple[Scan, Scan]:
    """Two slices of dark lung with bright round lesions: two in the first, one or none in the second."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((2, SIZE, SIZE), np.uint8)
    for index, x in ((0, 12), (0, 34)) if seed % 3 == 0 else ((0, 12), (0, 34), (1, 24)):
        center = np.array([24, x]) + rng.integers(-3, 4, 2)
        mask[index][np.hypot(rows - center[0], columns - center[1]) < rng.uniform(4, 6)] = 1
    voxels = (-850 + 600.0 * mask + rng.normal(0, 20, mask.shape)).astype(np.int16)
    return Scan(voxels, AFFINE, "hu"), Scan(mask, AFFINE, "mask")


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """A prepared dataset of six cases (4 training, 1 validation, 1 test) with labels of every kind; read only."""
    root = tmp_path_factory.mktemp("blobs")
    cases = []
    for number in range(6):
        image, mask = blob_case(number)
        case = Case(
            case=f"case{number}",
            patient=f"patient{number}",
            image=f"images/case{number}.nii.gz",
            intensity="hu",
            label=f"masks/case{number}.nii.gz",
        )
        write_nifti(image, root / case.image)
        write_nifti(mask, root / f"masks/case{number}.nii.gz")
        cases.append(case)
    split = Split(training=tuple(cases[:4]), validation=(cases[4],), test=(cases[5],))
    folder = DatasetFolder(root, "blobs", split)
    folder.save()
    simulate_labels(folder, ["points", "masks", "slice-tags", "scan-tags"])
    return folder


@pytest.fixture
def blobs_copy(blobs: DatasetFolder, tmp_path: Path) -> DatasetFolder:
    """The same dataset, to change."""
    shutil.copytree(blobs.root, tmp_path / "blobs")
    return DatasetFolder.open(tmp_path / "blobs")


@pytest.fixture
def small_network() -> torch.nn.Module:
    """A plain U-Net of two levels, always with the same weights."""
    torch.manual_seed(0)
    return build_network("plain-unet", {"channels": [4, 8]})


@pytest.fixture(scope="session")
def small_config() -> Callable[..., Config]:
    """Makes a recipe that trains in a second; keyword arguments change its keys."""

    def make(**changes: Any) -> Config:
        plain: dict[str, Any] = {
            "method": "points",
            "network": "plain-unet",
            "network_options": {"channels": [4, 8]},
            "grid": {"size": [32, 32]},
            "epochs": 2,
            "batch_size": 4,
        }
        return Config.from_dict(plain | changes)

    return make


@pytest.fixture(scope="session")
def still_settings() -> TrainingSettings:
    """No jitter and a constant, high learning rate, for tests that overfit."""
    return TrainingSettings(lr=1e-2, power=0.0, brightness=0.0, contrast=0.0)
