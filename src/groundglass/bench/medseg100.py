"""What the tables on medseg100 (paper 000's COVID-19-A) share: the dataset, and runs that are not started twice."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.training.run import Run
from groundglass.training.run import train


@dataclass(frozen=True)
class Row:
    """A finished run of a recipe.

    Args:
        recipe: Its name.
        run: The run.
        folder: The dataset.
        path: Where its result belongs.
    """

    recipe: str
    run: Run
    folder: DatasetFolder
    path: Path


def train_rows(
    root: Path,
    *,
    output: Path,
    work: Path,
    rows: Sequence[str],
    networks: Iterable[str],
    seeds: Iterable[int],
    overrides: dict[str, Any],
    quiet: bool,
) -> Iterator[Row]:
    """Train each recipe with each network and seed whose result is not there yet, going on with what was begun.

    Args:
        root: Folder of medseg100.
        output: Where the results ``<recipe>-<network>-seed<k>.json`` are.
        work: Where the dataset and the runs go.
        rows: Recipes to run.
        networks: Networks to run them with.
        seeds: Seeds of the runs.
        overrides: Recipe keys to change for all rows, as in a recipe.
        quiet: Show no progress.
    """
    seeds = tuple(seeds)
    for network in networks:
        for seed in seeds:
            for row in rows:
                path = output / f"{row}-{network}-seed{seed}.json"
                if not path.exists():
                    config = replace(load_recipe(row, {"network": network, **overrides}), seed=seed)
                    folder = _dataset(root, work, unlabeled=bool(config.method_options.get("unlabeled")))
                    run = train(config, folder.root, work / path.stem, resume=True, quiet=quiet)
                    yield Row(row, run, folder, path)


def _dataset(root: Path, work: Path, *, unlabeled: bool) -> DatasetFolder:
    path = work / ("dataset-unlabeled" if unlabeled else "dataset")
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    (path / DESCRIPTION).unlink(missing_ok=True)
    folder = prepare(CovidSemiSeg(root, unlabeled=unlabeled), path, name="medseg100")
    simulate_labels(folder, ["points", "masks"])
    return folder
