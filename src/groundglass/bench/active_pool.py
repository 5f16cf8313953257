"""The pools of the active-learning benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.catalog.covidcell import CovidCell
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.unfinished import reopen
from groundglass.errors import InputError
from groundglass.scans.nifti import nifti_shape

HALF = 184
"""Slices with and slices without lesion in the pool of covidcell: 368, as many as paper 001 trains on."""


def pool_dataset(name: str, root: Path, work: Path, *, half: int = HALF) -> DatasetFolder:
    """The prepared dataset of a pool, made if it is not there, with all masks as labels for full supervision.

    Args:
        name: ``covidcell`` or ``medseg100``.
        root: Folder of the public dataset.
        work: Where the prepared one goes.
        half: Slices of each kind in the pool of covidcell.
    """
    path = work / f"dataset-{name}"
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    reopen(path)
    layout = CovidCell(root) if name == "covidcell" else CovidSemiSeg(root)
    folder = prepare(layout, path, name=name)
    if name == "covidcell":
        training = _half(folder, "lesion", half) + _half(folder, "normal", half)
        folder = DatasetFolder(path, "covidcell-pool", replace(folder.split, training=tuple(training)))
        folder.save()
    simulate_labels(folder, ["masks"])
    return folder


def _half(folder: DatasetFolder, kind: str, count: int) -> list[Case]:
    cases = [case for case in folder.split.training if case.case.startswith(kind)]
    depths = [nifti_shape(folder.root / case.image)[0] for case in cases]
    return [cases[number] for number in whole_runs(depths, count)]


def whole_runs(depths: Sequence[int], count: int, *, seed: int = 0) -> list[int]:
    """Numbers of runs, drawn by chance, whose slices are ``count`` together; a run is taken whole or not at all.

    Raises:
        InputError: If no choice of runs has that many slices.
    """
    order = np.random.default_rng(seed).permutation(len(depths))
    # Which total can be reached with which last run, filled run by run as in the knapsack problem: the runs at the
    # front of the order come in first.
    last: dict[int, tuple[int, int]] = {0: (-1, -1)}
    for number in order:
        for total in sorted(last, reverse=True):
            if (reached := total + depths[number]) <= count and reached not in last:
                last[reached] = (int(number), total)
    if count not in last:
        raise InputError(f"there are no whole runs of {count} slices together; copy the dataset again")
    chosen = []
    while count:
        number, count = last[count]
        chosen.append(number)
    return sorted(chosen)
