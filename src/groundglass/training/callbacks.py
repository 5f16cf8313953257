"""What happens around the training loop: seeding, validation, history and progress."""

from __future__ import annotations

import csv
import io
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback
from lightning import LightningModule
from lightning import Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.callbacks import WeightAveraging
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import ProgressColumn
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from groundglass.files import write_text
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import SHORT
from groundglass.prediction.validation import as_shown
from groundglass.prediction.validation import validate


@contextmanager
def averaged_weights(trainer: Trainer, module: LightningModule) -> Iterator[None]:
    """Within the block the module has the running mean of its weights, if one is kept."""
    averaging = [one for one in trainer.callbacks if isinstance(one, WeightAveraging)]  # type: ignore[attr-defined]
    for callback in averaging:
        callback.on_validation_epoch_start(trainer, module)
    try:
        yield
    finally:
        for callback in averaging:
            callback.on_validation_epoch_end(trainer, module)


class SeedEpochs(Callback):
    """Seed every generator from the run's seed and the epoch, so that a resumed run draws what it would have drawn."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Seed for this epoch and process."""
        seed = (self.seed * 1_000_003 + trainer.current_epoch) * 64 + trainer.global_rank
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)


class Validate(Callback):
    """Score the validation cases after each epoch and log what :func:`validate` gives, ``val_dice_global`` first.

    Args:
        predictor: Runs the method being trained.
        pairs: Validation cases with their masks.
        every: Epochs between two validations.
        monitor: See :func:`validate`.
    """

    def __init__(self, predictor: Predictor, pairs: list[Pair], every: int, monitor: str) -> None:
        self.predictor = predictor
        self.pairs = pairs
        self.every = every
        self.monitor = monitor
        self.scores: dict[str, float] = {}
        self.measured = False
        """Whether the scores are of the epoch that has just ended."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Validate; between two validations the last scores stand."""
        self.measured = (trainer.current_epoch + 1) % self.every == 0 or not self.scores
        if self.measured:
            with averaged_weights(trainer, pl_module):
                self.scores = validate(self.predictor, self.pairs, self.monitor)
        for name, score in self.scores.items():
            pl_module.log(f"val_{name}", 0.0 if score != score else score, rank_zero_only=False)

    def state_dict(self) -> dict[str, Any]:
        """The last scores, for the checkpoint: after a resume they stand until the next validation."""
        return {"scores": self.scores}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The last scores from a checkpoint."""
        self.scores = state_dict["scores"]


class StopEarly(EarlyStopping):
    """Early stopping that lasts: a run that stopped early and is resumed does not train on."""

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Stop before the first step if patience had run out."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class StartOver(Callback):
    """Forget the best score, the patience used up and the last scores where the method starts over."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Reset what compares epochs, and at the first of a stage the scores, so that it is validated at once."""
        if not pl_module.starts_over(trainer.current_epoch):
            return
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Validate):
                callback.scores = {} if pl_module.begins_stage(trainer.current_epoch) else callback.scores
            elif isinstance(callback, EarlyStopping):
                callback.wait_count, callback.best_score = 0, torch.tensor(-math.inf)
            elif isinstance(callback, ModelCheckpoint) and callback.monitor is not None:
                callback.best_k_models, callback.kth_best_model_path = {}, ""
                callback.best_model_score = callback.current_score = None


class History(Callback):
    """One line of ``history.csv`` an epoch, on the disk when the epoch ends; empty where nothing was measured in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self.started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Drop epochs that are about to be trained again after a resume."""
        rows = read_history(self.path) if self.path.exists() else []
        self.rows = [row for row in rows if int(row["epoch"]) < trainer.current_epoch]

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


def read_history(path: Path) -> list[dict[str, str]]:
    """Rows of a ``history.csv``, one an epoch; what was not measured in an epoch is empty."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class ProgressLine(Callback):
    """A progress bar over all epochs: loss, the validation score that chooses and the time left, in 80 columns.

    Args:
        console: Where it is shown.
        title: What is trained; a line of its own above the bar.
        monitor: A key of :data:`MONITORS`: the score that is shown.
    """

    def __init__(self, console: Console, title: str, monitor: str) -> None:
        columns: list[ProgressColumn] = [BarColumn(bar_width=16), MofNCompleteColumn()]
        columns += [TextColumn("{task.fields[figures]}"), TimeRemainingColumn(), TextColumn("left")]
        self.progress = Progress(*columns, console=console)
        self.title = title
        self.monitor = monitor
        self.task = self.progress.add_task("", figures="", visible=False)

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Show what is trained, and below it the bar, where the run stands."""
        done = trainer.current_epoch
        self.progress.console.print(self.title, highlight=False)
        self.progress.update(self.task, total=trainer.max_epochs, completed=done, visible=True)
        self.progress.start()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Advance."""
        metrics, score = trainer.callback_metrics, f"val_{MONITORS[self.monitor]}"
        figures = [f"loss {float(metrics['train_loss']):.3f}"] if "train_loss" in metrics else []
        if score in metrics:
            figures.append(SHORT[self.monitor].format(as_shown(self.monitor, float(metrics[score]))))
        self.progress.update(self.task, advance=1, figures="  ".join(figures))

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Leave the finished bar on the screen."""
        self.progress.stop()

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        """Leave the bar where the run was stopped, and give the cursor back."""
        self.progress.stop()
