"""Finished runs as they lie on the disk: what they were started with and what came out, read without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.scans.readable import readable

RECORD = "config.yaml"
RESULT = "result.json"
DATA_KEYS = {
    "data": "the dataset",
    "split_hash": "the dataset's split",
    "labels_hash": "the set of labels",
    "started_from": "what --start-from names",
}
"""Keys of ``config.yaml`` that are none of a recipe."""
APART = ("data", "split_hash", "seed")
"""Keys of ``config.yaml`` that are no settings: where the data lay, what ``result.json`` names too, and the seed."""
NEEDED: dict[str, type | tuple[type, ...]] = {
    "dataset": str,
    "split_hash": str,
    "n_cases": int,
    "metrics": dict,
    "label_seconds": (int, float),
    "train_seconds": (int, float),
    "threads": int,
    "machine": str,
}


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run folder with a result.

    Args:
        folder: Where it lies.
        settings: Its complete recipe but for the seed, nested keys joined by dots (``grid.size``), and the
            ``labels_hash`` of the labels it was trained on.
        seed: Its seed.
        result: The content of ``result.json``.
    """

    folder: Path
    settings: dict[str, Any]
    seed: int
    result: dict[str, Any]

    @property
    def recipe(self) -> str:
        """The same text for runs that differ in nothing but the seed."""
        return json.dumps(self.settings, sort_keys=True)


def read_finished(folder: Path) -> FinishedRun:
    """The run in a folder.

    Raises:
        InputError: If it holds no run, one that was not finished, or a damaged one.
    """
    with readable(folder):
        if not (folder / RECORD).is_file():
            raise InputError(f"{folder}: is no run; give folders that 'groundglass train' has made")
        if not (folder / RESULT).is_file():
            raise InputError(
                f"{folder}: this run was not finished; go on with it by groundglass train --resume, or leave it out"
            )
        record, result = read_run_record(folder / RECORD), _read_result(folder / RESULT)
    settings = {key: value for key, value in record.items() if key not in APART}
    return FinishedRun(folder, _flat(settings), record["seed"], result)


def read_run_record(path: Path) -> dict[str, Any]:
    """A ``config.yaml``, with today's defaults for keys that were not there when it was written.

    Raises:
        InputError: If it is damaged, or of another version.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{path}: damaged; start another run in another folder")
    try:
        recipe = Config.from_dict({key: value for key, value in content.items() if key not in DATA_KEYS})
    except InputError as error:
        raise InputError(f"{path}: from another version of groundglass ({error}); train again") from error
    plain: dict[str, Any] = json.loads(json.dumps({"started_from": None} | content | recipe.to_dict()))
    return plain


def _read_result(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:  # neither JSON nor text
        content = None
    if not isinstance(content, dict) or not _complete(content):
        raise InputError(f"{path}: damaged; leave this run out, or train it again")
    return content


def _complete(result: Mapping[str, Any]) -> bool:
    return all(isinstance(result.get(key), kind) for key, kind in NEEDED.items()) and all(
        value is None or isinstance(value, int | float) for value in result["metrics"].values()
    )


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return flat
