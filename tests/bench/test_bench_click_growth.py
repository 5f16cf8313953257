"""How often grown clicks are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.bench import click_growth as module
from groundglass.bench.click_growth import click_growth
from groundglass.bench.click_growth import measure
from groundglass.bench.click_growth import one_click_a_slice
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.labels.growth import Growth

GRID = Grid(size=(32, 32), crop="lungs")


def pool_of(folder: DatasetFolder, growth: Growth | None) -> Pool:
    return Pool(folder, folder.split.training, GRID, Regions.of(GRID.size, 16), grow=growth)


def test_one_click_is_made_on_each_slice_with_lesion(volumes: DatasetFolder) -> None:
    pool = pool_of(volumes, None)
    clicks = one_click_a_slice(pool)
    assert len(clicks) == pool.masks.any(axis=(1, 2)).sum() > 10
    alone = measure(pool, clicks)
    labeled = pool.samples.tensors["target"][:, 0].numpy() == 1
    assert np.array_equal(labeled.sum(axis=(1, 2)) == 1, pool.masks.any(axis=(1, 2)))
    assert alone == {
        "lesion_pixels": 0.0,
        "lesion_right": 1.0,
        "background_pixels": 0.0,
        "background_right": 0.0,
        "clicks_that_say_nothing_else": 1.0,
    }


def test_what_is_counted_is_what_is_right(volumes: DatasetFolder) -> None:
    pool = pool_of(volumes, Growth(radius=0.3))
    clicks = one_click_a_slice(pool)
    found = measure(pool, clicks)
    target = pool.samples.tensors["target"][:, 0].numpy()
    assert found["lesion_pixels"] == pytest.approx((target == 1).sum() / len(clicks) - 1, abs=0.01)
    assert found["lesion_right"] == pytest.approx(pool.masks[target == 1].mean(), abs=1e-4)
    assert found["background_right"] == pytest.approx(1 - pool.masks[target == 0].mean(), abs=1e-4)
    assert found["lesion_pixels"] > 3
    assert found["clicks_that_say_nothing_else"] < 0.1


def test_it_is_written_with_its_command(
    volumes: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Pool] = []

    class Counted(Pool):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(module, "covidcell", lambda root, work: volumes)
    monkeypatch.setattr(module, "Pool", Counted)
    text = click_growth(tmp_path / "data", tmp_path / "click-growth.json", tmp_path)
    record = json.loads((tmp_path / "click-growth.json").read_text("utf-8"))
    assert json.loads(text) == record
    assert record["command"] == "groundglass bench click-growth --root data"
    assert list(record["growth"]) == list(module.GROWTHS)
    assert len(made) == 1, "the dataset is read once"
    clicks = one_click_a_slice(made[0])
    for name, growth in module.GROWTHS.items():
        alone = Pool(volumes, volumes.split.training, module.GRID, made[0].regions, grow=growth)
        assert measure(alone, clicks).items() <= record["growth"][name].items()
    assert record["growth"]["no limit"]["background_pixels"] > record["growth"]["default"]["background_pixels"]
