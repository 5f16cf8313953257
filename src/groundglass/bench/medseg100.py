"""What the tables on medseg100 (paper 000's COVID-19-A) share: the dataset and its rows."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.plan import run_missing
from groundglass.bench.plan import run_record
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.unfinished import reopen
from groundglass.experiments.config import Config
from groundglass.training.run import Run
from groundglass.training.run import train

Scores = Callable[[Run, DatasetFolder], Mapping[str, float]]
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
        plan: The runs; its root is the folder of the dataset.
        experiment: Name of the benchmark.
        scores: The metrics of a finished run; those that are not a number become null.
        write: Writes the table of the results in a folder, and gives it back.
        cells: The runs; by default each row with each network and seed.
        dataset: Gives the dataset of a run; by default medseg100.

    Returns:
        The table, in Markdown.
    """

    def record(cell: Cell) -> dict[str, Any]:
        run, folder = _train(cell, plan, dataset or medseg100)
        return run_record(cell, plan, experiment, run, scores(run, folder))

    return run_missing(plan, record, write, cells=cells)


def _train(cell: Cell, plan: Plan, dataset: Datasets) -> tuple[Run, DatasetFolder]:
    config = cell.config(plan.overrides)
    folder = dataset(plan, cell, config)
    return train(config, folder.root, plan.work / cell.name, resume=True, quiet=plan.quiet), folder


def medseg100(plan: Plan, cell: Cell, config: Config) -> DatasetFolder:
    """The prepared dataset with clicks and masks; with the unlabeled slices if the recipe trains on them."""
    assert plan.root is not None, "the command line sees to it"
    unlabeled = bool(config.method_options.get("unlabeled"))
    path = plan.work / ("dataset-unlabeled" if unlabeled else "dataset")
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    reopen(path)
    folder = prepare(CovidSemiSeg(plan.root, unlabeled=unlabeled), path, name="medseg100")
    simulate_labels(folder, ["points", "masks"])
    return folder
