"""What it costs to draw the lesion of one region, at the size of our active-learning benchmarks and at the paper's.

A polygon around the same lesion has more vertices on a finer grid, so drawn masks are cheap in small images.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from groundglass.active.oracle import Oracle
from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.bench.active_arms import GRIDS
from groundglass.bench.active_arms import POOLS
from groundglass.bench.active_arms import Arm
from groundglass.bench.active_pool import pool_dataset
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.files import write_text
from groundglass.training.machine import versions

SIZES = (96, 352)
"""Pixels: ours and paper 001's."""


def drawing_cost(root: Path, output: Path, work: Path) -> str:
    """Measure and write it.

    Args:
        root: Folder with covidcell and medseg100.
        output: The ``drawing-cost.json`` to write.
        work: Where the pools are prepared.

    Returns:
        The figures, as JSON.
    """
    found = {}
    for name in POOLS:
        folder = pool_dataset(name, root / name, work)
        crop = GRIDS[name].get("crop")
        found[name] = {str(size): measure(folder, Grid(size=(size, size), crop=crop)) for size in SIZES}
    record = {"pools": found, "versions": versions(), "command": f"groundglass bench drawing-cost --root {root.name}"}
    content = json.dumps(record, indent=1) + "\n"
    write_text(output, content)
    return content


def measure(folder: DatasetFolder, grid: Grid) -> dict[str, float]:
    """Seconds to draw a region with lesion of the training slices, on average, and how many such regions there are."""
    pool = Pool(folder, folder.split.training, grid, Regions.of(grid.size, Arm().regions))
    oracle = Oracle(pool, answer="pixels")
    regions = np.argwhere(pool.regions.reduce(pool.masks.astype(np.float32)) > 0)
    seconds = [sum(label.seconds for label in oracle.ask(int(image), int(region))) for image, region in regions]
    return {"regions": len(seconds), "seconds": round(float(np.mean(seconds)), 2)}
