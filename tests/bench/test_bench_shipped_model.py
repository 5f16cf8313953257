"""How the shipped model is trained, in small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundglass.bench import shipped_model
from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.recipe import load_recipe


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two slices a part of medseg100, two runs a part of covidcell, and a tiny network."""

    def small(recipe: str, overrides: dict[str, Any] | None = None) -> Any:
        tiny = {"network": "plain-unet", "network_options": {"channels": [4, 8]}, "epochs": 1, "epoch_samples": 8}
        return load_recipe(recipe, {**tiny, "grid": {"size": [32, 32]}, "validate_every": 1, **(overrides or {})})

    monkeypatch.setattr(shipped_model, "load_recipe", small)
    phantom = {"count": 3, "shape": [8, 64, 64]}
    phantoms = {"phantom": {**phantom, "seed": 7}, "fine": {**phantom, "seed": 8}}
    monkeypatch.setattr(shipped_model, "PHANTOMS", phantoms)
    image = np.full((40, 40), 60, np.uint8)
    image[10:20, 10:20] = 200
    for part in ("TrainingSet/LungInfection-Train/Doctor-label", "TestingSet/LungInfection-Test"):
        for number in range(2):
            save(tmp_path / "medseg100" / part / "Imgs" / f"{number}.png", image)
            save(tmp_path / "medseg100" / part / "GT" / f"{number}.png", 255 * (image > 100))
    rows = ["kind,id,run,split"]
    for number, split in enumerate(("train", "val", "test")):
        for kind in ("lesion", "normal"):
            save(tmp_path / "covidcell" / kind / f"{kind}_{number}.png", image)
            save(tmp_path / "covidcell" / "mask_annotator_a" / f"{kind}_{number}.png", 255 * (image > 100))
            rows.append(f"{kind},{number},{number},{split}")
    (tmp_path / "covidcell" / "runs.csv").write_text("\n".join(rows))
    return tmp_path


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("labels", "kinds"),
    [
        ("masks", {"medseg-train-0": {"mask"}, "covidcell-lesion-000": {"mask"}, "phantom-phantom-000": {"mask"}}),
        (
            "clicks",
            {"medseg-train-0": {"point"}, "covidcell-lesion-000": {"slice_tag"}, "phantom-phantom-000": {"mask"}},
        ),
    ],
)
def test_it_is_trained_on_all_three_and_exported(root: Path, labels: str, kinds: dict[str, set[str]]) -> None:
    command = ["bench", "shipped-model", "--root", str(root), "--rows", labels, "--quiet"]
    assert main([*command, "--output", str(root / "out"), "--work", str(root / "work")]) == 0
    folder = DatasetFolder.open(root / "work" / "shipped-model" / f"dataset-{labels}")
    found = {name: {label.kind for label in given} for name, given in folder.labels().items()}
    assert {name: found[name] for name in kinds} == kinds
    record = json.loads((root / "out" / "shipped-model" / f"lesions-{labels}.json").read_text())
    assert record["labels"] == labels
    assert record["dataset"] == "medseg100+covidcell+phantoms"
    method, config = load_method(root / "out" / "shipped-model" / f"lesions-{labels}.ckpt")
    assert config.method == "mixed"
    assert config.grid.crop == "lungs"
    assert 0 < float(method.threshold) < 1


def test_labels_that_are_not_there_are_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "shipped-model", "--root", str(root), "--rows", "scribbles"]) == 2
    assert "choose masks or clicks" in capsys.readouterr().err
