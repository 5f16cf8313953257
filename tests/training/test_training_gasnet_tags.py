"""Scan tags demonstrably help: with one mask, GASNet is better than the same network trained on that mask alone."""

from __future__ import annotations

from functools import lru_cache
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.experiments.config import Config
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan
from groundglass.training.run import train

SHAPE = (24, 72, 72)
PARTS = {"training": 20, "validation": 6, "test": 12}
BURDENS = (0.1, 0.2, 0.3, 0.4)
"""Part of the lungs that is diseased, in turn, in every other patient; the others are healthy."""

SIZE: dict[str, Any] = {
    "network": "unet3d",
    "network_options": {"base": 8},
    "grid": {"size": [40, 40], "depth": 12, "outside": "black"},
    "settings": {"lr": 1e-3, "mirror": True, "brightness": 0.0, "contrast": 0.0, "noise": 0.005},
    "batch_size": 1,
    "epoch_samples": 25,
    "epochs": 10,
    "precision": "bf16",
}
FULL: dict[str, Any] = {"method": "full", "method_options": {"loss": "focal"}}
GASNET: dict[str, Any] = {
    "method": "gasnet",
    "method_options": {
        "mil_share": 0.03,
        "critic_steps": 1,
        "synthetic_from": 75,
        "weights": {"adversarial": 20.0, "transplanted": 100.0},
        "balanced": True,
        "generator": {"base": 6, "levels": 3},
        "discriminator": {"base": 8, "levels": 3, "cells": [1, 1, 1], "spectral": False},
        "optimizers": {"generator_lr": 1e-3, "discriminator_lr": 3e-3, "discriminator": "adam"},
    },
}


class Patients(Layout):
    """Generated chests, healthy and diseased in turn."""

    def sources(self) -> list[Source]:
        """All parts, one after the other."""
        parts = [part for part, count in PARTS.items() for _ in range(count)]
        return [self._source(number, part) for number, part in enumerate(parts)]

    def _source(self, number: int, part: str) -> Source:
        make, name = partial(_patient, number), f"patient{number:02d}"
        return Source(
            case=name,
            patient=name,
            image=lambda: make().scan,
            mask=lambda: _on_grid(make(), "lesion_mask"),
            lungs=lambda: _on_grid(make(), "lungs"),
            part=part,
        )


@lru_cache(maxsize=1)
def _patient(number: int) -> Phantom:
    burden = 0.0 if number % 2 else BURDENS[number // 2 % len(BURDENS)]
    return generate_phantom(900 + number, shape=SHAPE, burden=burden)


def _on_grid(phantom: Phantom, name: str) -> Scan:
    return phantom.scan.with_voxels(getattr(phantom, name), "mask")


def one_mask(root: Path) -> DatasetFolder:
    """All training scans tagged, the mask of the third diseased one."""
    folder = prepare(Patients(), root, name="patients")
    simulate_labels(folder, ["scan-tags"])
    simulate_labels(folder, ["masks"], only="patient04")
    return folder


def dice(recipe: dict[str, Any], folder: DatasetFolder, output: Path) -> float:
    """Dice of all test scans together, healthy ones included: what is called lesion there is wrong."""
    finished = train(Config.from_dict(SIZE | recipe), folder.root, output, quiet=True, device="cpu")
    return float(finished.result["metrics"]["dice_global"])


@pytest.mark.slow
def test_tags_help(tmp_path: Path) -> None:
    folder = one_mask(tmp_path / "data")
    alone = dice(FULL, folder, tmp_path / "full")
    assert dice(GASNET, folder, tmp_path / "gasnet") > alone + 0.05
