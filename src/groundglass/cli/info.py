"""Tell what a scan, a prepared dataset or a trained run is.

Example: groundglass info scan.nii.gz --json
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.scans.readable import readable
from groundglass.scans.scan import Intensity

if TYPE_CHECKING:
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.labels.events import Label

COUNTS = ("labels", "slice_tags", "scan_tags")
"""Facts that are numbers by name."""


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass info``."""
    parser.add_argument("path", help="a scan, a dataset folder, a run folder or a .ckpt file")
    parser.add_argument("--series", help="DICOM: UID, number or description of the series to read")
    parser.add_argument("--intensity", help="what the numbers are, if it cannot be told: hu or display (8-bit)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: Namespace) -> None:
    """Print what is known."""
    facts = describe(Path(arguments.path), series=arguments.series, intensity=arguments.intensity)
    width = max(map(len, facts))
    lines = [
        f"{'' if number else name:<{width}}  {line}"
        for name, value in facts.items()
        for number, line in enumerate(_lines(name, value))
    ]
    _print([json.dumps(facts)] if arguments.json else lines)


def _print(lines: Iterable[str]) -> None:
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads them has enough, as head has; what is left must not be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lines(name: str, value: Any) -> list[Any]:
    """A list of sentences takes a line each; of numbers, one line."""
    if name == "range":
        return [" to ".join(f"{number:.6g}" for number in value)]
    if name in COUNTS and isinstance(value, dict):
        return [", ".join(f"{key} {count}" for key, count in value.items()) or "none"]
    if not isinstance(value, list):
        return [value]
    if value and isinstance(value[0], float | int):
        return [" x ".join(str(number) for number in value)]
    if value and isinstance(value[0], dict):
        return [", ".join(f"{key} {fact}" for key, fact in one.items() if fact) for one in value]
    return value or ["none"]


def describe(path: Path, *, series: str | None = None, intensity: Intensity | None = None) -> dict[str, Any]:
    """Facts about a path by name; of a scan nothing that tells who the patient is.

    Raises:
        InputError: If it is not a scan, a prepared dataset or a run, or cannot be read.
    """
    with readable(path):
        is_dataset = (path / "dataset.json").is_file()
        is_run = path.suffix == ".ckpt" or (path / "checkpoints").is_dir()
    if is_dataset:
        return _dataset(path)
    if is_run:
        return _checkpoint(path)
    from groundglass.scans.description import describe_scan
    from groundglass.scans.reader import read_scan_and_series

    return describe_scan(*read_scan_and_series(path, series=series, intensity=intensity))


def _dataset(path: Path) -> dict[str, Any]:
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.labels.cost import label_seconds

    folder = DatasetFolder.open(path)
    known = {case.case for part in PARTS for case in getattr(folder.split, part)}
    everything = folder.store.read()
    labels = [label for label in everything if label.case in known]
    checked, warnings = _checked(folder, labels)
    return {
        "kind": "dataset",
        "name": folder.name,
        "training": len(folder.split.training),
        "validation": len(folder.split.validation),
        "test": len(folder.split.test),
        "split_hash": folder.split.hash,
        "labels": dict(Counter(label.kind for label in labels)),
        **checked,
        "label_seconds": label_seconds(labels),
        "warnings": [
            *_strangers({label.case for label in everything} - known, len(everything) - len(labels)),
            *warnings,
        ],
    }


def _checked(folder: DatasetFolder, labels: Sequence[Label]) -> tuple[dict[str, Any], list[str]]:
    """What the tags of the training cases say, and what is wrong with the labels: facts and warnings."""
    from groundglass.datasets import tags

    by_case: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_case[label.case].append(label)
    kinds = {label.kind for case in folder.split.training for label in by_case[case.case]}
    every = {case.case: case for part in PARTS for case in getattr(folder.split, part) if by_case[case.case]}
    try:
        outside = [label for one in tags.labeled(folder, every.values(), by_case) for label in one.outside]
        training = tags.labeled(folder, folder.split.training, by_case) if kinds & {"slice_tag", "scan_tag"} else []
    except InputError as error:
        return {}, [f"the labels were not checked: {error}"]
    found = tags.contradictions(training)
    facts: dict[str, Any] = {}
    if "slice_tag" in kinds:
        facts["slice_tags"] = tags.count_slice_tags(training)
    if "scan_tag" in kinds:
        facts["scan_tags"] = tags.count_scan_tags(training)
    facts |= {"contradicting_scans": len(found), "labels_outside": len(outside)}
    warnings = [tags.contradiction_sentence(found)] if found else []
    return facts, warnings + ([tags.outside_sentence(outside)] if outside else [])


def _strangers(cases: set[str], count: int) -> list[str]:
    if not cases:
        return []
    return [f"{count} more labels are of cases that are not in this dataset, such as {min(cases)}; they are not used"]


def _checkpoint(path: Path) -> dict[str, Any]:
    from groundglass.experiments.checkpoint import find_checkpoint
    from groundglass.experiments.checkpoint import load_method
    from groundglass.experiments.checkpoint import unfinished

    method, config = load_method(path)
    doubt = unfinished(find_checkpoint(path))
    return {
        "kind": "run",
        "parameters": sum(parameter.numel() for parameter in method.parameters()),
        "threshold": float(f"{float(method.threshold):.4g}"),
        **config.to_dict(),
        "warnings": [doubt] if doubt else [],
    }
