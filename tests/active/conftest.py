"""What the tests of active learning share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundglass.active.cycle import ActiveLearning
from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.active.settings import active_settings
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.experiments.config import Config

Start = Callable[..., ActiveLearning]


@pytest.fixture
def pool(blobs: DatasetFolder) -> Pool:
    """Eight slices of four cases in nine regions, on a grid that is coarser than the files'."""
    grid = Grid(size=(32, 34))
    return Pool(blobs, blobs.split.training, grid, Regions.of(grid.size, 9))


@pytest.fixture
def start(blobs: DatasetFolder, small_config: Callable[..., Config], tmp_path: Path) -> Start:
    """Opens a quick run; keyword arguments change its settings."""

    def make(
        name: str = "run", *, folder: DatasetFolder = blobs, resume: bool = False, recipe: Any = None, **changes: Any
    ) -> ActiveLearning:
        plain = {"budget_seconds": 51, "regions": 9, "initial_images": 1, "query_size": 4, "draws": 2}
        config = small_config(
            network_options={"channels": [4, 8], "dropout": 0.5}, method_options={"reduction": "balanced"}
        )
        config = Config.from_dict({**config.to_dict(), **(recipe or {})})
        return ActiveLearning(folder, tmp_path / name, active_settings(plain | changes), config, resume=resume)

    return make
