"""Keeps what is measured in each epoch on the disk."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

from lightning import Callback
from lightning import Trainer

from groundglass.files import write_text
from groundglass.training.callbacks import Validate
from groundglass.training.history import read_history


class History(Callback):
    """One line of ``history.csv`` an epoch, on the disk when the epoch ends; empty where nothing was measured in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self.started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Drop epochs that are about to be trained again after a resume."""
        self.rows = [row for row in read_history(self.path) if int(row["epoch"]) < trainer.current_epoch]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Start the clock, and forget what was logged in the epoch before, which Lightning keeps."""
        self.started = time.perf_counter()
        trainer.callback_metrics.clear()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Write what was logged."""
        if trainer.is_global_zero:
            seconds = f"{time.perf_counter() - self.started:.3f}"
            self.rows.append({"epoch": str(trainer.current_epoch), "seconds": seconds, **_measured(trainer)})
            self._write()

    def _write(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in self.rows for key in row)))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())


def _measured(trainer: Trainer) -> dict[str, str]:
    """What was logged in this epoch, without scores that merely stand for those who compare epochs."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    stale = any(isinstance(one, Validate) and not one.measured for one in callbacks)
    logged = sorted(trainer.callback_metrics.items())
    return {key: f"{float(value):.6g}" for key, value in logged if not (stale and key.startswith("val_"))}
