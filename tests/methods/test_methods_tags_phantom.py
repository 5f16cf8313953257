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
from groundglass.datasets.simulated import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.methods.smoothed_intensity import SmoothedIntensity
from groundglass.prediction.evaluate import dice_curve
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.untrained import UNTRAINED
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


def history(folder: Path, column: str) -> list[float]:
    with (folder / "history.csv").open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def best_precision(folder: Path) -> float:
    return max(history(folder, "val_average_precision"))


def prevalence(chests: DatasetFolder) -> float:
    """Average precision of a map that says nothing."""
    masks = [chests.mask(case) for case in chests.split.validation]
    pixels = [mask.voxels > 0 for mask in masks if mask is not None]
    return float(sum(one.sum() for one in pixels) / sum(one.size for one in pixels))


@pytest.mark.parametrize("recipe", ["cam", "gradcam", "seam", "irn", "icd", "cam-crf"])
def test_heat_maps_find_lesions(recipe: str, chests: DatasetFolder, tmp_path: Path) -> None:
    overrides: dict[str, Any] = SMALL | {"epochs": 8, "validate_every": 1}
    if recipe == "irn":
        overrides["method_options"] = {"stage1_epochs": 6}
    run = train(load_recipe(recipe, overrides), chests.root, tmp_path / "run", quiet=True, device="cpu")
    assert best_precision(run.folder) > 3 * prevalence(chests)


def test_attention_fusion_segments_lesions(chests: DatasetFolder, tmp_path: Path) -> None:
    options = {"stage1_epochs": 4, "segmenter_options": {"channels": [8, 16, 32, 64]}}
    config = load_recipe("attention-fusion", SMALL | {"epochs": 8, "method_options": options})
    run = train(config, chests.root, tmp_path / "run", quiet=True, device="cpu")
    assert best_precision(run.folder) > 3 * prevalence(chests)
    assert pseudo_mask_scores(run.folder, chests)["dice_global"] > 0.1


SMALLER: dict[str, Any] = {"grid": {"size": [64, 64]}, "epochs": 8, "validate_every": 2}


def test_bl_finds_more_than_its_untrained_network(chests: DatasetFolder, tmp_path: Path) -> None:
    """Six epochs of its classifier alone leave the network as it was: then the map is the image's brightness."""
    config = load_recipe("bl", SMALLER | {"epochs": 10, "method_options": {"classifier_steps": 120}})
    run = train(config, chests.root, tmp_path / "run", quiet=True, device="cpu")
    untrained = history(run.folder, "val_average_precision")[0]
    assert best_precision(run.folder) > untrained + 0.05
    assert best_precision(run.folder) > 10 * prevalence(chests)


def test_vagan_learns_to_change_little_and_lesions_most(chests: DatasetFolder, tmp_path: Path) -> None:
    """Its map is unstable: brightness alone finds more."""
    run = train(load_recipe("vagan", SMALLER), chests.root, tmp_path / "run", quiet=True, device="cpu")
    changes = history(run.folder, "train_sparsity")
    assert changes[-1] < 0.7 * changes[0]
    assert history(run.folder, "val_average_precision")[-1] > 3 * prevalence(chests)


def test_decomposition_finds_more_than_brightness_does(chests: DatasetFolder, tmp_path: Path) -> None:
    """On all slices of the test scans, healthy ones too, against brightness read in the same way."""
    config = load_recipe("decomposition", SMALLER)
    run = train(config, chests.root, tmp_path / "run", quiet=True, device="cpu")
    learned = run.result["metrics"]["average_precision"]
    options, grid = UNTRAINED["smoothed-intensity-median"]
    pairs = list(scored_cases(chests, chests.split.test))
    bright = dice_curve(Predictor(SmoothedIntensity(**options), grid), pairs).average_precision()
    assert learned > bright + 0.1
    assert learned > 0.4
