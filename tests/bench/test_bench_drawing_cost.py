"""What drawing a region costs at one size and at another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundglass.bench import drawing_cost as module
from groundglass.bench.drawing_cost import drawing_cost
from groundglass.bench.drawing_cost import measure
from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.splits import Split
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan


@pytest.fixture
def squares(tmp_path: Path) -> DatasetFolder:
    """A slice of 64 x 64 pixels, regions of 8 x 8: a square in one, one over four, and a pixel."""
    mask = np.zeros((1, 64, 64), np.uint8)
    mask[0, 1:5, 1:5] = mask[0, 20:28, 20:28] = mask[0, 50, 50] = 1
    case = Case(case="one", patient="one", image="one.nii.gz", intensity="display", label="mask.nii.gz")
    write_nifti(Scan(mask * 200, np.eye(4), "display"), tmp_path / case.image)
    write_nifti(Scan(mask, np.eye(4), "mask"), tmp_path / "mask.nii.gz")
    return DatasetFolder(tmp_path, "squares", Split(training=(case,), validation=(), test=()))


def test_a_square_has_four_corners_of_three_seconds_and_a_pixel_costs_two(squares: DatasetFolder) -> None:
    assert measure(squares, Grid(size=(64, 64))) == {"regions": 6, "seconds": round((5 * 4 * 3 + 2) / 6, 2)}


def test_both_pools_are_written_at_both_sizes(
    squares: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIZES", (64, 128))
    monkeypatch.setattr(module, "GRIDS", {name: {} for name in module.POOLS})
    monkeypatch.setattr(module, "pool_dataset", lambda name, root, work: squares)
    text = drawing_cost(tmp_path / "data", tmp_path / "cost.json", tmp_path)
    record = json.loads((tmp_path / "cost.json").read_text("utf-8"))
    assert json.loads(text) == record
    assert record["command"] == "groundglass bench drawing-cost --root data"
    assert list(record["pools"]) == ["covidcell", "medseg100"]
    for sizes in record["pools"].values():
        assert list(sizes) == ["64", "128"]
        assert sizes["64"] == measure(squares, Grid(size=(64, 64)))
