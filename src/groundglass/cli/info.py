"""Tell what a scan, a prepared dataset or a trained run is.

Example: groundglass info scan.nii.gz --json
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass info``."""
    parser.add_argument("path", help="a scan, a dataset folder, a run folder or a .ckpt file")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: Namespace) -> None:
    """Print what is known."""
    facts = describe(Path(arguments.path))
    if arguments.json:
        print(json.dumps(facts))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            print(f"{name:<{width}}  {value}")


def describe(path: Path) -> dict[str, Any]:
    """Facts about a path by name."""
    if (path / "dataset.json").is_file():
        return _dataset(path)
    if path.suffix == ".ckpt" or (path / "checkpoints").is_dir():
        return _checkpoint(path)
    return _scan(path)


def _scan(path: Path) -> dict[str, Any]:
    from groundglass.scans.reader import read_scan

    scan = read_scan(path)
    return {
        "kind": "scan",
        "shape": list(scan.shape),
        "spacing_mm": [round(value, 4) for value in scan.spacing],
        "intensity": scan.intensity,
        "range": [float(scan.voxels.min()), float(scan.voxels.max())],
        "affine_lps": scan.affine.round(4).tolist(),
    }


def _dataset(path: Path) -> dict[str, Any]:
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.labels.cost import label_seconds

    folder = DatasetFolder.open(path)
    labels = folder.store.read()
    return {
        "kind": "dataset",
        "name": folder.name,
        "training": len(folder.split.training),
        "validation": len(folder.split.validation),
        "test": len(folder.split.test),
        "split_hash": folder.split.hash,
        "labels": dict(Counter(label.kind for label in labels)),
        "label_seconds": label_seconds(labels),
    }


def _checkpoint(path: Path) -> dict[str, Any]:
    from groundglass.experiments.checkpoint import load_method

    method, config = load_method(path)
    return {
        "kind": "run",
        "parameters": sum(parameter.numel() for parameter in method.parameters()),
        **config.to_dict(),
    }
