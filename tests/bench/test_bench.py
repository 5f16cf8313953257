"""Benchmarks: rows are run once, tables are made from what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundglass.bench import throughput as throughput_module
from groundglass.bench.results import mean_sd
from groundglass.bench.table2 import table2
from groundglass.bench.throughput import throughput

SMALL = {"network_options": {"channels": [4, 8]}, "grid": {"size": [32, 32]}, "epochs": 2, "batch_size": 4}


def semiseg(root: Path) -> Path:
    """A folder in the layout of COVID-SemiSeg with ten training and three test slices."""
    rng = np.random.default_rng(0)
    for part, count in (("TrainingSet/LungInfection-Train/Doctor-label", 10), ("TestingSet/LungInfection-Test", 3)):
        for folder in ("Imgs", "GT"):
            (root / part / folder).mkdir(parents=True)
        for number in range(count):
            mask = np.zeros((40, 44), np.uint8)
            mask[8 + number : 20 + number, 10:25] = 255
            image = (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8)
            Image.fromarray(image).save(root / part / "Imgs" / f"{number}.jpg")
            Image.fromarray(mask).save(root / part / "GT" / f"{number}.png")
    return root


def test_table2_runs_rows_once_and_writes_the_table(tmp_path: Path) -> None:
    root = semiseg(tmp_path / "medseg100")
    options = {"output": tmp_path / "table2", "work": tmp_path / "work", "networks": ["plain-unet"], "overrides": SMALL}
    table = table2(root, rows=["pl", "full"], seeds=[0, 1], quiet=True, **options)
    assert "| full | plain-unet | 2 |" in table
    assert "0.54 / 0.37 / 0.39 / 0.88 / 0.73" in table
    result = json.loads((tmp_path / "table2" / "pl-plain-unet-seed1.json").read_text())
    wanted = {"experiment", "method", "network", "variant", "dataset", "split_hash", "seed", "n_cases", "metrics"}
    wanted |= {"label_seconds", "train_seconds", "threads", "versions", "command"}
    assert wanted <= set(result)
    assert {"dice_global", "dice_case", "iou", "ppv", "sensitivity", "specificity"} <= set(result["metrics"])
    assert (result["n_cases"], result["seed"], result["label_seconds"]) == (3, 1, 9 * 2 * 3.0)
    marked = tmp_path / "table2" / "full-plain-unet-seed0.json"
    stamp = marked.stat().st_mtime_ns
    table2(root, rows=["pl", "full"], seeds=[0, 1], quiet=True, **options)
    assert marked.stat().st_mtime_ns == stamp


def test_mean_and_sd() -> None:
    assert mean_sd([0.5]) == "0.500"
    assert mean_sd([0.4, 0.6]) == "0.500 ± 0.141"


def test_throughput_splits_a_step_into_network_and_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = throughput_module.load_recipe("pl", {"network": "plain-unet", **SMALL})
    monkeypatch.setattr(throughput_module, "load_recipe", lambda recipe: small)
    monkeypatch.setattr(throughput_module, "keep_freed_memory", lambda: True)
    figures = json.loads(throughput(tmp_path / "throughput.json"))["kept_memory"]["pl"]
    assert figures["images_per_second"] == pytest.approx(4 / figures["seconds_per_step"], rel=0.02)
    assert 0 < figures["share_outside_network"] < 1
