"""What tables of runs share, that none is started twice; and the dataset of those on medseg100 (paper 000's A)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.training.run import Run
from groundglass.training.run import train

Scores = Callable[[Run, DatasetFolder], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The runs of a table.

    Args:
        root: Folder of the public dataset; ``None`` where there is none.
        output: Where the results, a file each, and the table go.
        work: Where the dataset and the runs go.
        rows: Recipes to run.
        networks: Networks to run them with.
        seeds: Seeds of the runs.
        overrides: Recipe keys to change for all rows, as in a recipe.
        quiet: Show no progress.
    """

    root: Path | None
    output: Path
    work: Path
    rows: Sequence[str]
    networks: Sequence[str] = ("unet",)
    seeds: Sequence[int] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    quiet: bool = False


@dataclass(frozen=True)
class Cell:
    """One run of a plan: a recipe, a network, a seed."""

    row: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.row}-{self.network}-seed{self.seed}"

    @property
    def facts(self) -> dict[str, Any]:
        """What its record holds beside what every run's does."""
        return {"method": self.row}

    def config(self, overrides: Mapping[str, Any]) -> Config:
        """Its recipe, with the keys changed that the plan changes."""
        return replace(load_recipe(self.row, {"network": self.network, **overrides}), seed=self.seed)


Datasets = Callable[[Plan, Cell, Config], DatasetFolder]


def make_table(
    plan: Plan,
    experiment: str,
    scores: Scores,
    write: Callable[[Path], str],
    *,
    cells: Sequence[Cell] | None = None,
    dataset: Datasets | None = None,
) -> str:
    """Train and score each recipe with each network and seed whose result is not there yet, and write the table.

    Args:
        plan: The runs.
        experiment: Name of the benchmark.
        scores: The metrics of a finished run; those that are not a number become null.
        write: Writes the table of the results in a folder, and gives it back.
        cells: The runs; by default each row with each network and seed.
        dataset: Gives the dataset of a run; by default medseg100.

    Returns:
        The table, in Markdown.
    """
    for cell in _cells(plan) if cells is None else cells:
        if (plan.output / f"{cell.name}.json").exists():
            continue
        run, folder = _train(cell, plan, dataset or medseg100)
        write_text(
            plan.output / f"{cell.name}.json",
            json.dumps(_record(cell, plan, experiment, run, scores(run, folder)), indent=1) + "\n",
        )
        write(plan.output)
    return write(plan.output)


def _cells(plan: Plan) -> list[Cell]:
    return [Cell(row, network, seed) for network in plan.networks for seed in plan.seeds for row in plan.rows]


def _train(cell: Cell, plan: Plan, dataset: Datasets) -> tuple[Run, DatasetFolder]:
    config = cell.config(plan.overrides)
    folder = dataset(plan, cell, config)
    return train(config, folder.root, plan.work / cell.name, resume=True, quiet=plan.quiet), folder


def medseg100(plan: Plan, cell: Cell, config: Config) -> DatasetFolder:
    """The prepared dataset with clicks and masks; with the unlabeled slices if the recipe trains on them."""
    assert plan.root is not None  # the command line sees to it
    unlabeled = bool(config.method_options.get("unlabeled"))
    path = plan.work / ("dataset-unlabeled" if unlabeled else "dataset")
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    (path / DESCRIPTION).unlink(missing_ok=True)
    folder = prepare(CovidSemiSeg(plan.root, unlabeled=unlabeled), path, name="medseg100")
    simulate_labels(folder, ["points", "masks"])
    return folder


def _record(cell: Cell, plan: Plan, experiment: str, run: Run, metrics: Mapping[str, float]) -> dict[str, Any]:
    return {
        "experiment": experiment,
        **run.result,
        "metrics": {name: _plain(value) for name, value in metrics.items()},
        **cell.facts,
        "variant": run.config.method_options.get("variant", "released"),
        "image_size": list(run.config.grid.size),
        "epochs": run.config.epochs,
        "orientations": run.config.orientations,
        "command": _command(cell, plan, experiment),
    }


def _plain(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 5)


def _command(cell: Cell, plan: Plan, experiment: str) -> str:
    """What makes this very result again."""
    words = ["groundglass", "bench", experiment, *(["--root", plan.root.name] if plan.root else [])]
    words += ["--rows", cell.row, "--networks", cell.network, "--seeds", str(cell.seed)]
    if plan.overrides:
        words += ["--overrides", json.dumps(plan.overrides)]
    return shlex.join(words)
