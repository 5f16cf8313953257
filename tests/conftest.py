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
from groundglass.datasets.simulated import simulate_labels
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


def volume_case(seed: int, *, diseased: bool) -> tuple[Scan, Scan, Scan]:
    """A scan of 12 slices, not all of one size: two lungs with noise and, if diseased, denser round lesions."""
    rng = np.random.default_rng(seed)
    shape = (12, 40, 44 + seed % 3)
    planes, rows, columns = np.ogrid[: shape[0], : shape[1], : shape[2]]
    lungs = np.zeros(shape, np.uint8)
    lungs[2:11, 6:34, 4:19] = 1
    lungs[2:11, 6:34, 24:40] = 2
    mask = np.zeros(shape, np.uint8)
    for left in (8, 28) if diseased else ():
        center = np.array([6, 20, left + 3]) + rng.integers(-2, 3, 3)
        distance = np.sqrt(4 * (planes - center[0]) ** 2 + (rows - center[1]) ** 2 + (columns - center[2]) ** 2)
        mask[distance < rng.uniform(4, 6)] = 1
    mask *= lungs > 0
    voxels = np.where(lungs > 0, -850 + 500.0 * mask, 40) + rng.normal(0, 25, shape)
    return Scan(voxels.astype(np.int16), AFFINE, "hu"), Scan(mask, AFFINE, "mask"), Scan(lungs, AFFINE, "mask")


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Twelve whole scans (8 training, 2 validation, 2 test), every other one healthy, with tags; read only."""
    root = tmp_path_factory.mktemp("volumes")
    cases = []
    for number in range(12):
        name = f"scan{number:02d}"
        kinds = ("images", "masks", "lungs")
        for kind, scan in zip(kinds, volume_case(number, diseased=number % 2 == 0), strict=True):
            write_nifti(scan, root / f"{kind}/{name}.nii.gz")
        image, label, lungs = (f"{kind}/{name}.nii.gz" for kind in kinds)
        cases.append(Case(case=name, patient=name, image=image, intensity="hu", label=label, lungs=lungs))
    split = Split(training=tuple(cases[:8]), validation=tuple(cases[8:10]), test=tuple(cases[10:]))
    folder = DatasetFolder(root, "volumes", split)
    folder.save()
    simulate_labels(folder, ["scan-tags"])
    return folder


@pytest.fixture
def volumes_copy(volumes: DatasetFolder, tmp_path: Path) -> DatasetFolder:
    """The same dataset, to change."""
    shutil.copytree(volumes.root, tmp_path / "volumes")
    return DatasetFolder.open(tmp_path / "volumes")


@pytest.fixture(scope="session")
def volumes_one_mask(volumes: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """The same dataset, with the mask of its first scan as a label; read only."""
    root = tmp_path_factory.mktemp("one") / "volumes"
    shutil.copytree(volumes.root, root)
    folder = DatasetFolder.open(root)
    simulate_labels(folder, ["masks"], only="scan00")
    return folder


@pytest.fixture(scope="session")
def volume_config() -> Callable[..., Config]:
    """Makes a recipe of a tiny GASNet; keyword arguments change its keys."""

    def make(**changes: Any) -> Config:
        plain: dict[str, Any] = {
            "method": "gasnet",
            "method_options": GASNET,
            "network": "unet3d",
            "network_options": {"base": 2},
            "grid": {"size": [32, 32], "depth": 8},
            "epochs": 2,
            "batch_size": 2,
            "patience": 1000,
        }
        return Config.from_dict(plain | changes)

    return make


GASNET: dict[str, Any] = {
    "generator": {"base": 2, "levels": 3},
    "discriminator": {"base": 2, "levels": 3, "cells": [1, 1, 1]},
    "critic_steps": 2,
    "synthetic_from": 2,
}
"""Options of a GASNet that trains in a second."""


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
