"""The three optimizers of GASNet and their schedules."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Literal

import torch
from torch import Tensor
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.lr_scheduler import LRScheduler

from groundglass.errors import InputError
from groundglass.methods.optimizer import adam
from groundglass.methods.settings import TrainingSettings
from groundglass.schema import converted


@dataclass(frozen=True, kw_only=True)
class GasnetOptimizers:
    """Learning rates and decays; the segmenter's rate, Adam's betas and the weight decay are those of the settings.

    Args:
        generator_lr: Of Adam (1e-5 in paper and release).
        discriminator_lr: 1e-5 in paper and release.
        discriminator: ``rmsprop`` as released, or ``adam``.
        halve_every: Steps after which the rates of S, G and D are halved, again and again (released: 10,000, 15,000
            and 15,000), in place of the settings' ``power``; null for that.

    Raises:
        InputError: If a value makes no sense.
    """

    generator_lr: float = 1e-5
    discriminator_lr: float = 1e-5
    discriminator: Literal["rmsprop", "adam"] = "rmsprop"
    halve_every: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("generator_lr", "discriminator_lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"optimizers.{name} must be above 0, not {getattr(self, name)}")
        if self.halve_every is not None and min(self.halve_every) < 1:
            raise InputError(f"optimizers.halve_every must be 1 or more steps each, not {self.halve_every}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> GasnetOptimizers:
        """From a recipe's options.

        Raises:
            InputError: If one is unknown or of the wrong kind.
        """
        return cls(**converted(cls, options, "optimizers"))

    def build(
        self, players: Sequence[nn.Module], settings: TrainingSettings, total: int
    ) -> tuple[list[Optimizer], list[LRScheduler]]:
        """Optimizers and schedules, one step of which is one step of training.

        Args:
            players: Segmenter, generator and discriminator.
            settings: Of the run.
            total: Steps of the whole training.
        """
        rates = (settings.lr, self.generator_lr, self.discriminator_lr)
        decay = settings.weight_decay
        found: list[Optimizer] = []
        for number, (player, rate) in enumerate(zip(players, rates, strict=True)):
            if number == 2 and self.discriminator == "rmsprop":
                found.append(torch.optim.RMSprop(player.parameters(), lr=rate, weight_decay=decay))
            else:
                found.append(adam(player.parameters(), settings, lr=rate))
        return found, [self._schedule(one, number, settings.power, total) for number, one in enumerate(found)]

    def _schedule(self, optimizer: Optimizer, number: int, power: float, total: int) -> LRScheduler:
        if self.halve_every is not None:
            return torch.optim.lr_scheduler.StepLR(optimizer, self.halve_every[number], gamma=0.5)
        return LambdaLR(optimizer, lambda step: max(1 - step / total, 0.0) ** power)


def damped(loss: Tensor, below: float, factor: float) -> Tensor:
    """The loss, or next to nothing of it once it is low: a player rests while it is ahead (released, not in the text).

    Example:
        >>> float(damped(torch.tensor(0.5), 0.16, 0.001))
        0.5
    """
    return loss * factor if float(loss.detach()) < below else loss
