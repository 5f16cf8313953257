"""What was measured in each epoch of a run."""

from __future__ import annotations

import csv
from pathlib import Path


def read_history(path: Path) -> list[dict[str, str]]:
    """Rows of a ``history.csv``, one an epoch; what was not measured is empty. None before there is a file."""
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except (FileNotFoundError, NotADirectoryError):
        return []
