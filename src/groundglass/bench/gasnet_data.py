"""The datasets of the GASNet benchmark: all scans tagged, a chosen number of them with a mask."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.datasets.case import Case
from groundglass.datasets.catalog.covidcell import CovidCell
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.splits import PARTS
from groundglass.datasets.splits import Split
from groundglass.datasets.unfinished import reopen
from groundglass.errors import InputError
from groundglass.experiments.config import Config

if TYPE_CHECKING:
    from groundglass.bench.gasnet import VolumeCell

PHANTOMS = {"count": 160, "healthy": 80, "shape": (32, 96, 96), "seed": 7}
"""96 train, 24 validate, 40 test, half of each diseased."""

SHORTEST = 8
"""Slices of the shortest run of COVID-cell that serves as a volume."""

LABEL_SEED = 0
"""Of the order in which diseased training scans get their masks: the first one, four, twenty of it."""


def volumes(plan: Plan, cell: Cell, config: Config) -> DatasetFolder:
    """The dataset of a run, prepared if it is not there yet."""
    wanted: VolumeCell = cell  # type: ignore[assignment]
    tagged = tagged_volumes(plan, wanted.dataset)
    return _with_masks(tagged, plan.work / f"{wanted.dataset}-{wanted.masks}masks", wanted.masks)


def tagged_volumes(plan: Plan, name: str) -> DatasetFolder:
    """All scans of a dataset with their scan tags, prepared if it is not there yet."""
    path = plan.work / name
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    reopen(path)
    layout: Layout = PhantomSet(**PHANTOMS) if plan.root is None else CovidCell(plan.root, shortest=SHORTEST)  # type: ignore[arg-type]
    folder = prepare(layout, path, name=name)
    simulate_labels(folder, ["scan-tags"])
    return folder


def _with_masks(tagged: DatasetFolder, path: Path, masks: int) -> DatasetFolder:
    """The same scans, where they are, with the masks of some diseased training scans as labels.

    Without any, validation has none either, so a run keeps its last epoch and a threshold of 0.5: what is had from tags
    alone is not chosen by drawn voxels.
    """
    training, validation, test = (_elsewhere(getattr(tagged.split, name), tagged) for name in PARTS)
    if not masks:
        validation = tuple(replace(case, label=None) for case in validation)
    folder = DatasetFolder(path, tagged.name, Split(training=training, validation=validation, test=test))
    chosen = drawn_cases(tagged, masks)
    folder.store.path.unlink(missing_ok=True)
    folder.save()
    folder.store.append([label for labels in tagged.labels().values() for label in labels])
    for name in chosen:
        simulate_labels(folder, ["masks"], only=name)
    return folder


def drawn_cases(folder: DatasetFolder, masks: int) -> list[str]:
    """Names of the diseased training scans whose masks are given; those for fewer masks are among those for more.

    Raises:
        InputError: If there are fewer.
    """
    tags = {name: labels[-1] for name, labels in folder.labels(("scan_tag",)).items()}
    diseased = sorted(name for name, tag in tags.items() if getattr(tag, "label", 0) == 1)
    if masks > len(diseased):
        raise InputError(f"--rows: {masks} masks are more than the {len(diseased)} diseased training scans")
    random.Random(LABEL_SEED).shuffle(diseased)
    return diseased[:masks]


def _elsewhere(cases: tuple[Case, ...], folder: DatasetFolder) -> tuple[Case, ...]:
    """The cases with paths as seen from a folder beside theirs."""

    def beside(path: str | None) -> str | None:
        return None if path is None else f"../{folder.root.name}/{path}"

    return tuple(
        replace(case, image=f"../{folder.root.name}/{case.image}", label=beside(case.label), lungs=beside(case.lungs))
        for case in cases
    )
