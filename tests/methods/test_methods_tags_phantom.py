"""From slice tags of generated chests to heat maps and masks, with the recipes, in minutes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from groundglass.bench.pseudo_masks import pseudo_mask_scores
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.training.run import train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # on a busy machine

SMALL: dict[str, Any] = {"grid": {"size": [96, 96]}, "epoch_samples": 192, "settings": {"orient": False}}


@pytest.fixture(scope="module")
def chests(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """Twelve generated chests, half of them healthy, 24 slices each."""
    layout = PhantomSet(count=12, healthy=6, shape=(24, 128, 128))
    folder = prepare(layout, tmp_path_factory.mktemp("chests") / "data", name="chests")
    simulate_labels(folder, ["slice-tags"])
    return folder


def best_precision(folder: Path) -> float:
    with (folder / "history.csv").open(newline="") as file:
        return max(float(row["val_average_precision"]) for row in csv.DictReader(file))


def prevalence(chests: DatasetFolder) -> float:
    """Average precision of a map that says nothing."""
    masks = [chests.mask(case) for case in chests.split.validation]
    pixels = [mask.voxels > 0 for mask in masks if mask is not None]
    return float(sum(one.sum() for one in pixels) / sum(one.size for one in pixels))


@pytest.mark.parametrize("recipe", ["cam", "gradcam", "seam", "irn", "icd", "cam-crf"])
def test_heat_maps_find_lesions(recipe: str, chests: DatasetFolder, tmp_path: Path) -> None:
    overrides: dict[str, Any] = SMALL | {"epochs": 4, "validate_every": 1}
    if recipe == "irn":
        overrides["method_options"] = {"stage1_epochs": 3}
    run = train(load_recipe(recipe, overrides), chests.root, tmp_path / "run", quiet=True, device="cpu")
    assert best_precision(run.folder) > 3 * prevalence(chests)


def test_attention_fusion_segments_lesions(chests: DatasetFolder, tmp_path: Path) -> None:
    options = {"stage1_epochs": 4, "segmenter_options": {"channels": [8, 16, 32, 64]}}
    config = load_recipe("attention-fusion", SMALL | {"epochs": 8, "method_options": options})
    run = train(config, chests.root, tmp_path / "run", quiet=True, device="cpu")
    assert best_precision(run.folder) > 3 * prevalence(chests)
    assert pseudo_mask_scores(run.folder, chests)["dice_global"] > 0.1
