"""A training that has gone astray is stopped, with the reason."""

from __future__ import annotations

import math
from typing import Any

from lightning import Callback
from lightning import Trainer
from torch import nn

from groundglass.errors import InputError

DIVERGED = 1e3
"""Size of a weight beyond which a training has gone astray: sound ones stay below a hundred."""


def check_weights(module: nn.Module, where: str, loss: float, kept: str) -> None:
    """Refuse weights that are no numbers any more, or huge.

    Args:
        module: What is trained.
        where: When that was, for the sentence.
        loss: The last loss, for the sentence.
        kept: What is left of the run, for the sentence.

    Raises:
        InputError: If training has diverged.
    """
    for name, one in module.named_parameters():
        size = float(one.detach().abs().max()) if one.numel() else 0.0
        if not size <= DIVERGED:
            raise InputError(
                f"training diverged {where}: a weight of {name.partition('.')[0]} is {size:.2g}, the loss {loss:.3g}; "
                f"{kept}; lower settings.lr, or the learning rate of that network, and start again"
            )


class StopDiverged(Callback):
    """Stop after the epoch in which a weight has gone astray; the checkpoint of the epoch before it stays."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Look at all weights.

        Raises:
            InputError: If training has diverged.
        """
        epoch = trainer.current_epoch
        kept = f"the checkpoint of epoch {epoch} is kept" if epoch else "there was no good epoch to keep"
        loss = float(trainer.callback_metrics.get("train_loss", math.nan))
        check_weights(pl_module, f"in epoch {epoch + 1}", loss, kept)
