"""Train the model that comes with the package, from clicks, tags and masks of several datasets together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from groundglass.datasets.catalog.joined import Joined
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.unfinished import reopen
from groundglass.errors import InputError
from groundglass.experiments.export import export
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.training.run import train

PHANTOMS: dict[str, dict[str, Any]] = {
    "phantom": {"count": 150, "healthy": 60, "shape": [32, 192, 192], "seed": 77, "lungs": "found"},
    "fine": {"count": 120, "healthy": 48, "shape": [40, 256, 256], "seed": 78, "lungs": "found"},
}
"""Of two resolutions: a network trained on the coarser alone called 0.4 % of healthy lungs of its own kind lesion, and
1.0 % of finer ones."""

LABELS: dict[str, dict[str, list[str]]] = {
    "masks": {"*": ["masks"]},
    "clicks": {"medseg-*": ["points"], "covidcell-*": ["slice-tags"], "phantom-*": ["masks"], "fine-*": ["masks"]},
}
"""What the model learns from: every drawn mask, or clicks and tags alone on the real slices."""


def shipped_model(root: Path, *, output: Path, work: Path, labels: str = "masks", quiet: bool = False) -> str:
    """Train on medseg100, covidcell and phantoms, and write the weights in half precision.

    Args:
        root: Folder with ``medseg100`` and ``covidcell``.
        output: Where ``lesions-<labels>.ckpt`` and its figures, ``.json``, go.
        work: Where the dataset and the run go; what is there is gone on with.
        labels: A key of :data:`LABELS`.
        quiet: Show no progress.

    Returns:
        The figures, as JSON.

    Raises:
        InputError: If ``labels`` is none of them, or a dataset is not there.
    """
    if labels not in LABELS:
        raise InputError(f"labels {labels!r}: choose {' or '.join(LABELS)}")
    folder = _dataset(root, work / f"dataset-{labels}", LABELS[labels])
    run = train(load_recipe("shipped"), folder.root, work / f"run-{labels}", resume=True, quiet=quiet)
    export(run.folder, output / f"lesions-{labels}.ckpt")
    record = {"experiment": "shipped-model", "labels": labels, **run.result, "command": _command(root, labels)}
    content = json.dumps(record, indent=1) + "\n"
    write_text(output / f"lesions-{labels}.json", content)
    return content


def _dataset(root: Path, path: Path, labels: dict[str, list[str]]) -> DatasetFolder:
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    reopen(path)
    layouts: dict[str, dict[str, Any]] = {
        "medseg": {"layout": "covid-semiseg", "root": str(root / "medseg100")},
        "covidcell": {"layout": "covidcell", "root": str(root / "covidcell")},
    }
    layouts |= {name: {"layout": "phantom", **one} for name, one in PHANTOMS.items()}
    folder = prepare(Joined(layouts), path, name="medseg100+covidcell+phantoms")
    for pattern, kinds in labels.items():
        simulate_labels(folder, kinds, only=pattern)
    return folder


def _command(root: Path, labels: str) -> str:
    return f"groundglass bench shipped-model --root {root.name} --rows {labels}"
