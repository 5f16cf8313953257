"""What a run of active learning is, and which of it may change when it is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from groundglass.active.settings import ActiveSettings
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.config import Config

BUDGET = "setting budget_seconds"
LIMITS = (BUDGET, "setting max_cycles")
"""How far a run goes, and not how: they may be raised."""


def identity(folder: DatasetFolder, settings: ActiveSettings, config: Config) -> dict[str, Any]:
    """All that a run's answers and weights depend on, in words, as plain values."""
    found: dict[str, Any] = {"the dataset's split": folder.split.hash}
    found |= {f"setting {key}": value for key, value in settings.to_dict().items()}
    found |= {f"recipe key {key}": value for key, value in config.to_dict().items()}
    return dict(json.loads(json.dumps(found)))


def raised_limits(output: Path, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The limits that are higher than before.

    Raises:
        InputError: If anything else has changed, or a limit is lower.
    """
    before = json.loads(json.dumps(before))
    changed = [key for key, value in now.items() if before.get(key) != value]
    for key in changed:
        if key not in LIMITS:
            raise InputError(
                f"{output}: {key} is not what this run was started with; resume it unchanged or start another"
            )
        if _limit(now[key]) < _limit(before.get(key)):
            raise InputError(f"{output}: {key} was {before.get(key)} and can only be raised; start another run")
    return changed


def _limit(value: float | None) -> float:
    return float("inf") if value is None else value
