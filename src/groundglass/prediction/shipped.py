"""The model that comes with the package."""

from __future__ import annotations

from pathlib import Path

import groundglass

SHIPPED = Path(groundglass.__file__).parent / "weights" / "lesions.ckpt"
"""Trained by ``groundglass bench shipped-model``; its data, figures, limits and license lie beside it."""

NAME = "groundglass-lesions-3"


def model_name(checkpoint: str | Path | None) -> str:
    """What a report calls the model: the shipped one's name, or the run's."""
    if checkpoint is None:
        return NAME
    path = Path(checkpoint).resolve()
    return path.name if path.is_dir() else path.stem
