"""What happens around the training loop: seeding, validation, early stopping and starting over."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning import Callback
from lightning import LightningModule
from lightning import Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.callbacks import WeightAveraging

from groundglass.prediction.evaluate import Pair
from groundglass.prediction.predictor import Predictor
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
