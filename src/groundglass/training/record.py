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
from groundglass.scans.fingerprint import fingerprint
from groundglass.training.finished import DATA_KEYS
from groundglass.training.finished import RECORD
from groundglass.training.finished import RESULT
from groundglass.training.finished import read_run_record
from groundglass.training.start_from import weights_of


def run_record(
    config: Config, folder: DatasetFolder, labels: Sequence[Label], start: str | Path | None = None
) -> dict[str, Any]:
    """The complete recipe, and what identifies the dataset, the labels trained on and the weights started from."""
    content = json.dumps([to_json(label) for label in labels], sort_keys=True).encode()
    data = {
        "data": str(folder.root),
        "split_hash": folder.split.hash,
        "labels_hash": hashlib.sha256(content).hexdigest()[:12],
        "started_from": None if start is None else fingerprint(weights_of(start))[:12],
    }
    plain: dict[str, Any] = json.loads(json.dumps(data | config.to_dict()))  # tuples as lists, as YAML has them
    return plain


def check_run_folder(output: Path, record: dict[str, Any], *, resume: bool) -> None:
    """See that a run may be started, or gone on with, in a folder; one that left nothing behind is as good as none.

    Raises:
        InputError: If there is a run already and it is not to be resumed, or it was started with something else.
    """
    path = output / RECORD
    begun = find_checkpoint(output).is_file() or (output / RESULT).exists()
    if not path.exists() or not begun:
        return
    if not resume:
        raise InputError(f"{output}: there is a run already; go on with it by --resume, or choose another --output")
    before = read_run_record(path)
    for key, value in record.items():
        if key != "data" and before.get(key) != value:
            what = DATA_KEYS.get(key, key)
            raise InputError(
                f"{output}: {what} is not what this run was started with; resume it unchanged or start another"
            )


def write_run_record(output: Path, record: dict[str, Any]) -> None:
    """Write ``config.yaml``."""
    write_text(output / RECORD, yaml.safe_dump(record, sort_keys=False))
