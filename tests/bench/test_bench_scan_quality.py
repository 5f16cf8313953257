"""The benchmarks of the shipped model, on folders of the same shape as the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from groundglass.bench import scan_quality
from groundglass.cli import main
from groundglass.datasets.grid import Grid
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.prediction.prediction import Prediction
from groundglass.prediction.predictor import Predictor
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.reader import read_scan

SHAPE = (12, 64, 64)


class Bright(torch.nn.Module):
    """Lesion is what is brighter than the middle."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 40 * (images - 0.5)


class Known:
    """A segmenter that measures every phantom 1 point too high, and knows P002."""

    threshold = 0.5

    def __init__(self) -> None:
        method = METHODS.build("points", {}, network=Bright(), settings=TrainingSettings())
        self.predictor = Predictor(method, Grid(size=(64, 64)))

    def predict(self, path: Path) -> Prediction:
        if path.name == "P002":
            phantom = generate_phantom(1, shape=SHAPE, burden=0.2)
            scan, lungs = phantom.scan, phantom.lungs
            lesions = np.zeros(SHAPE, np.uint8)
            for index in range(6):  # the six slices at the feet, the lowest most
                lesions[index, 20:26, 20 : 30 - index] = 1
        else:
            scan = read_scan(path)
            lungs = np.zeros(scan.shape, np.uint8)
            lungs[:, 10:20, 10:20] = 1
            lesions = lungs.copy()
            lesions[:, :, 11:] = 0
        masks = (scan.with_voxels(part, "mask") for part in (lesions, lungs))
        return Prediction(scan, *masks, "known", 0.5, seconds={"reading": 0.1, "lungs": 0.1, "network": 0.2})


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_quality, "Segmenter", Known)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def record(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.usefixtures("known")
def test_p002_compares_lesion_area_with_the_slice_labels(tmp_path: Path) -> None:
    lines = [f"{number},{int(number >= 6 or number == 2)}" for number in range(12)]
    (tmp_path / "P002_slice_labels.csv").write_text("\n".join(["position_from_head,infected", *lines]))
    assert main(["bench", "p002", "--root", str(tmp_path), "--output", str(tmp_path / "out")]) == 0
    found = record(tmp_path / "out" / "predict" / "p002.json")
    assert found["slices"] == 12
    assert found["slice_auc"] == pytest.approx((6 * 5 + 0.5 * 5) / 35, abs=1e-4)  # the 3rd from the head is a tie
    assert found["seconds"] > 0
    assert found["seconds_300_slices"] > 0
    assert 0 < found["peak_rss_gb"] < 20
    assert found["network_share"] == pytest.approx(0.2 / found["seconds"], abs=0.02)
    assert {"threads", "versions", "command", "machine"} <= set(found)


@pytest.mark.usefixtures("known")
def test_healthy_measures_normal_slices_phantoms_and_medseg100(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_quality, "SHAPE", (4, 32, 32))
    monkeypatch.setattr(scan_quality, "PHANTOM_SEEDS", range(2))
    lung = np.zeros((64, 64))
    lung[10:50, 10:50] = 60
    spotted = lung.copy()
    spotted[20:30, 20:30] = 250
    rows = ["kind,id,run,split"]
    for number, (kind, split, pixels) in enumerate(
        [
            ("normal", "test", lung),
            ("normal", "test", spotted),
            ("normal", "train", spotted),
            ("lesion", "test", spotted),
        ]
    ):
        save(tmp_path / "covidcell" / kind / f"{kind}_{number}.png", pixels)
        save(tmp_path / "covidcell" / "mask_annotator_a" / f"{kind}_{number}.png", pixels > 200)
        rows.append(f"{kind},{number},{number},{split}")
    (tmp_path / "covidcell" / "runs.csv").write_text("\n".join(rows))
    for part in ("TrainingSet/LungInfection-Train/Doctor-label", "TestingSet/LungInfection-Test"):
        for number in range(2):
            save(tmp_path / "medseg100" / part / "Imgs" / f"{number}.png", spotted)
            save(tmp_path / "medseg100" / part / "GT" / f"{number}.png", 255 * (spotted > 200))
    assert main(["bench", "healthy", "--root", str(tmp_path), "--output", str(tmp_path / "out")]) == 0
    found = record(tmp_path / "out" / "predict" / "healthy.json")
    assert found["covidcell_normal_slices"] == 2
    assert found["covidcell_normal_burden_percent"] == pytest.approx(100 * 100 / 1600 / 2, rel=0.05)
    assert found["medseg100_dice_global"] > 0.95
    assert found["phantom_burden_percent"] == pytest.approx(10.0)
    assert [round(pair[1]) for pair in found["phantom_true_and_measured_percent"]] == [10, 10]
    assert found["phantoms_within_3_points"] == sum(
        abs(true - measured) <= 3 for true, measured in found["phantom_true_and_measured_percent"]
    )


@pytest.mark.parametrize("name", ["p002", "healthy", "shipped-model", "table7"])
def test_the_folder_must_be_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", name]) == 2
    assert "--root" in capsys.readouterr().err
