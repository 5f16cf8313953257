"""Checks on the public data itself; run with ``make test-real GROUNDGLASS_DATA=...``, skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.training.run import train

DATA = Path(os.environ.get("GROUNDGLASS_DATA", "nowhere"))

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not (DATA / "medseg100").is_dir(), reason="GROUNDGLASS_DATA does not hold medseg100"),
]


def test_medseg100_has_the_published_split(tmp_path: Path) -> None:
    folder = prepare(CovidSemiSeg(DATA / "medseg100"), tmp_path / "data", name="medseg100")
    assert folder.split.hash == "02548ba69f09"
    assert [len(part) for part in (folder.split.training, folder.split.validation, folder.split.test)] == [45, 5, 48]
    count = simulate_labels(folder, ["points"])
    lesions = count // 2
    assert count == 2 * lesions
    assert 340 <= lesions <= 350


@pytest.mark.timeout(900)
def test_a_few_epochs_beat_calling_every_pixel_lesion(tmp_path: Path) -> None:
    folder = prepare(CovidSemiSeg(DATA / "medseg100"), tmp_path / "data", name="medseg100")
    simulate_labels(folder, ["points"])
    config = load_recipe("cb-flip-rot", {"epochs": 8, "grid": {"size": [128, 128]}})
    metrics = train(config, folder.root, tmp_path / "run", quiet=True).result["metrics"]
    assert metrics["dice_global"] > 0.45
