"""``config.yaml``: what a run was started with, so that it is resumed with nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.config import Config
from groundglass.files import write_text
from groundglass.labels.events import Label
from groundglass.labels.events import to_json

RECORD = "config.yaml"
DATA_KEYS = {"data": "the dataset", "split_hash": "the dataset's split", "labels_hash": "the set of labels"}


def run_record(config: Config, folder: DatasetFolder, labels: Sequence[Label]) -> dict[str, Any]:
    """The complete recipe, and what identifies the dataset and the labels trained on."""
    content = json.dumps([to_json(label) for label in labels], sort_keys=True).encode()
    data = {
        "data": str(folder.root),
        "split_hash": folder.split.hash,
        "labels_hash": hashlib.sha256(content).hexdigest()[:12],
    }
    plain: dict[str, Any] = json.loads(json.dumps(data | config.to_dict()))  # tuples as lists, as YAML has them
    return plain


def check_run_folder(output: Path, record: dict[str, Any], *, resume: bool) -> None:
    """See that a run may be started, or gone on with, in a folder; one that left nothing behind is as good as none.

    Raises:
        InputError: If there is a run already and it is not to be resumed, or it was started with something else.
    """
    path = output / RECORD
    begun = find_checkpoint(output).is_file() or (output / "result.json").exists()
    if not path.exists() or not begun:
        return
    if not resume:
        raise InputError(f"{output}: there is a run already; go on with it by --resume, or choose another --output")
    before = _read(path)
    for key, value in record.items():
        if key != "data" and before.get(key) != value:
            what = DATA_KEYS.get(key, key)
            raise InputError(
                f"{output}: {what} is not what this run was started with; resume it unchanged or start another"
            )


def _read(path: Path) -> dict[str, Any]:
    """A record, with today's defaults for keys that were not there when it was written."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{path}: damaged; start another run in another folder")
    recipe = Config.from_dict({key: value for key, value in content.items() if key not in DATA_KEYS})
    plain: dict[str, Any] = json.loads(json.dumps(content | recipe.to_dict()))
    return plain


def write_run_record(output: Path, record: dict[str, Any]) -> None:
    """Write ``config.yaml``."""
    write_text(output / RECORD, yaml.safe_dump(record, sort_keys=False))
