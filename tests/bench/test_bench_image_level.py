"""The image-level table in small: rows, figures, and that its scores are those of the definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundglass.bench.image_level import _progress
from groundglass.bench.image_level import table_image_level
from groundglass.bench.image_level_data import aerated
from groundglass.bench.image_level_data import covidcell
from groundglass.bench.image_level_rows import ABLATIONS
from groundglass.bench.image_level_rows import ROWS
from groundglass.bench.plan import Plan
from groundglass.cli import main
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.recipe import load_recipe
from groundglass.labels.events import SliceTag
from groundglass.prediction.untrained import UNTRAINED

SMALL: dict[str, Any] = {
    "network_options": {"encoder": "plain", "channels": [4, 8]},
    "grid": {"size": [32, 32]},
    "epochs": 2,
    "validate_every": 1,
    "epoch_samples": 8,
    "batch_size": 4,
    "precision": "32",
}
SIZE = 64


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs of two slices a part and kind of covidcell, and medseg100 beside it."""
    rng = np.random.default_rng(0)
    rows, number = ["kind,id,run,split"], 0
    for split in ("train", "val", "test"):
        for kind in ("lesion", "normal"):
            for run in (2 * ("train", "val", "test").index(split), 2 * ("train", "val", "test").index(split) + 1):
                for _ in range(2):
                    number += 1
                    slice_of(tmp_path / "covidcell", kind, number, rng)
                    rows.append(f"{kind},{number},{run},{split}")
    (tmp_path / "covidcell" / "runs.csv").write_text("\n".join(rows))
    for part in ("TrainingSet/LungInfection-Train/Doctor-label", "TestingSet/LungInfection-Test"):
        for index in range(2):
            image = np.full((70, 70), 220)
            image[10:60, 10:60] = 40
            image[30:36, 30:36] = 200
            save(tmp_path / "medseg100" / part / "Imgs" / f"{index}.png", image)
            save(tmp_path / "medseg100" / part / "GT" / f"{index}.png", 255 * (image == 200))
    return tmp_path


def slice_of(folder: Path, kind: str, number: int, rng: np.random.Generator) -> None:
    image = np.zeros((SIZE, SIZE))
    image[12:52, 8:56] = 60 + rng.normal(0, 5, (40, 48))
    mask = np.zeros((SIZE, SIZE), bool)
    if kind == "lesion":
        row, column = rng.integers(14, 36, 2)
        mask[row : row + 8, column : column + 8] = True
        image[mask] = 160
        save(folder / "mask_annotator_a" / f"lesion_{number}.png", 255 * mask)
        save(folder / "mask_annotator_b" / f"lesion_{number}.png", 255 * np.roll(mask, 2, axis=0))
        save(folder / "mask_released" / f"lesion_{number}.png", 255 * mask[::2, ::2])
    save(folder / kind / f"{kind}_{number}.png", image)


def plan(root: Path, **changes: Any) -> Plan:
    given: dict[str, Any] = {"root": root, "output": root / "results", "work": root / "work", "quiet": True}
    return Plan(**given | {"rows": ["smoothed-intensity"], "seeds": [0], **changes})


def test_tags_come_from_the_folder_and_normal_runs_are_not_scored(root: Path) -> None:
    save(root / "covidcell" / "mask_annotator_a" / "lesion_1.png", np.zeros((SIZE, SIZE)))
    folder = covidcell(root, root / "work")
    labels = [label for labels in folder.labels().values() for label in labels]
    assert all(isinstance(label, SliceTag) for label in labels)
    assert {label.case: label.label for label in labels if isinstance(label, SliceTag)} == {
        "lesion-000": 1,
        "lesion-001": 1,
        "normal-000": 0,
        "normal-001": 0,
    }
    assert [case.case for case in folder.split.test if case.label] == ["lesion-004", "lesion-005"]


def test_smoothed_intensity_is_scored_without_training(root: Path) -> None:
    table = table_image_level(plan(root))
    assert "| smoothed-intensity | 256 x 256 | 1 |" in table
    record = json.loads((root / "results" / "smoothed-intensity-default-seed0.json").read_text())
    metrics = record["metrics"]
    assert metrics["ap_a"] > 0.9  # the lesions are what is bright
    assert metrics["ap_b"] < metrics["ap_a"]
    assert metrics["ap_released"] > 0.8
    assert metrics["medseg100_ap"] > 0.9
    assert metrics["dice_at_best_validation_threshold"] > 0.8
    assert dict(map(tuple, metrics["dice_curve"]))[0.5] == pytest.approx(
        metrics["dice_at_best_validation_threshold"], abs=0.15
    )
    assert (metrics["parameters"], record["method"], record["variant"]) == (0, "smoothed-intensity", "default")
    assert {path.name for path in (root / "results").glob("*.png")} == {
        "precision-recall.png",
        "dice-threshold.png",
        "panel.png",
    }


def test_rows_are_trained_once_and_their_ablations_are_rows_too(root: Path) -> None:
    alone = table_image_level(plan(root, rows=["decomposition-no-critic"], overrides=SMALL))
    assert "| decomposition-no-critic |" in alone
    assert not (root / "results" / "panel.png").exists()
    work = plan(root, rows=["decomposition", "decomposition-no-critic"], overrides=SMALL)
    table = table_image_level(work)
    assert "| decomposition-no-critic |" in table
    assert (root / "results" / "decomposition" / "panel.png").stat().st_size > (
        root / "results" / "panel.png"
    ).stat().st_size
    path = root / "results" / "decomposition-no-critic-seed0.json"
    record = json.loads(path.read_text())
    assert (record["method"], record["variant"], record["row"]) == (
        "decomposition",
        "no-critic",
        "decomposition-no-critic",
    )
    wanted = {"experiment", "network", "dataset", "split_hash", "seed", "n_cases", "metrics", "label_seconds"}
    wanted |= {"train_seconds", "threads", "versions", "command", "validation_curve", "precision_recall"}
    assert wanted <= set(record)
    assert len(record["validation_curve"]) == 2
    assert record["metrics"]["multiply_adds"] > 0
    assert "--rows decomposition-no-critic" in record["command"]
    assert (root / "results" / "precision-time.png").is_file()
    stamp = path.stat().st_mtime_ns
    table_image_level(work)
    assert path.stat().st_mtime_ns == stamp


def test_every_row_is_a_recipe_that_can_be_built_and_no_two_are_the_same() -> None:
    changes = {**{row: (row, {}) for row in ROWS if row not in UNTRAINED}, **ABLATIONS}
    configs = {row: load_recipe(recipe, dict(change)) for row, (recipe, change) in changes.items()}
    for config in configs.values():
        build_method(config)
    assert len({repr(config) for config in configs.values()}) == len(configs)


def test_the_validation_curve_has_the_epochs_with_a_validation(tmp_path: Path) -> None:
    lines = ["epoch,seconds,val_average_precision", "0,1.5,0.1", "1,1.5,", "2,2,0.3"]
    (tmp_path / "history.csv").write_text("\n".join(lines) + "\n")
    assert _progress(tmp_path) == [[1.5, 0.1], [5.0, 0.3]]


def test_pseudo_masks_of_attention_fusion_are_scored_too(root: Path) -> None:
    small = {**SMALL, "network_options": {"encoder": "plain", "channels": [4, 8], "pretrained": False}}
    segmenter = {"channels": [4, 4, 8, 8, 8], "expansion": 1}
    small |= {"method_options": {"stage1_epochs": 1, "segmenter_options": segmenter}}
    table = table_image_level(plan(root, rows=["attention-fusion"], overrides=small))
    record = json.loads((root / "results" / "attention-fusion-default-seed0.json").read_text())
    assert 0 <= record["pseudo_masks"]["dice_global"] <= 1
    assert f"| {record['pseudo_masks']['dice_global']:.3f} |" in table


def test_the_command_runs_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "table-image-level", "--root", str(root), "--output", str(root / "out"), "--seeds", "0"]
    assert main([*command, "--work", str(root / "work"), "--rows", "smoothed-intensity", "--quiet"]) == 0
    assert "smoothed-intensity" in capsys.readouterr().out
    assert (root / "out" / "image-level" / "table-image-level.md").is_file()


def test_lungs_of_8_bit_slices_are_what_is_dark_and_what_it_closes_around() -> None:
    image = np.full((1, 90, 90), 220, np.uint8)
    image[0, 10:80, 10:80] = 40
    image[0, 40:46, 40:46] = 230
    found = aerated(image)
    assert found[0, 43, 43]
    assert found[0, 12:78, 12:78].all()
    assert not found[0, :8].any()
