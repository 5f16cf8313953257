"""Methods whose parts have an optimizer each, and take turns (Lightning's manual optimization)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor
from torch import nn

from groundglass.datasets.augmentation import jitter
from groundglass.datasets.samples import Sample
from groundglass.methods.augment import augment
from groundglass.methods.augment import noisy
from groundglass.methods.augment import relit
from groundglass.methods.method import Method
from groundglass.methods.optimizer import adam
from groundglass.methods.settings import TrainingSettings


class Alternating(Method):
    """Base of methods with several optimizers, all with the recipe's settings.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`; jitter and noise leave what is black, the outside of lungs, black.
        relight: Largest change, in training, of a slice's gamma and gain, as logarithms; see :func:`relit`.
    """

    def __init__(self, *, network: nn.Module, settings: TrainingSettings, relight: float = 0.0) -> None:
        super().__init__(network=network, settings=settings)
        self.automatic_optimization = False
        self.relight = relight

    @abstractmethod
    def trained_parts(self) -> list[nn.Module]:
        """What has an optimizer of its own."""

    def prepared(self, batch: Sample) -> Sample:
        """A batch as it comes from the loader: augmented, what was black still so, and laid out for speed."""
        moved = augment(batch, replace(self.settings, brightness=0.0, contrast=0.0, noise=0.0))
        image = jitter(moved["image"], brightness=self.settings.brightness, contrast=self.settings.contrast)
        image = noisy(relit(image, self.relight), self.settings.noise) * (moved["image"] > 0)
        return {**moved, "image": image.contiguous(memory_format=torch.channels_last)}

    def step(self, optimizer: LightningOptimizer, loss: Tensor) -> None:
        """One step of an optimizer down a loss."""
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def set_rates(self, batch_idx: int) -> None:
        """Lower the learning rates, batch by batch, whichever optimizer's turn it is."""
        trainer = self.trainer
        done = trainer.current_epoch * int(trainer.num_training_batches) + batch_idx
        total = max(int(trainer.estimated_stepping_batches), 1)
        for optimizer in self.all_optimizers():
            for group in optimizer.param_groups:
                group["lr"] = self.settings.lr * max(1 - done / total, 0.0) ** self.settings.power

    def log_terms(self, name: str, terms: dict[str, Tensor], batch_size: int) -> None:
        """Terms of a loss for the history, as ``<name>_<term>``."""
        logged = {f"{name}_{key}": value.detach() for key, value in terms.items()}
        self.log_dict(logged, on_step=False, on_epoch=True, batch_size=batch_size)

    def configure_optimizers(self) -> Any:
        """Adam for each of the parts; :meth:`set_rates` lowers their rates as in :class:`Method`."""
        return [adam(part.parameters(), self.settings) for part in self.trained_parts()]

    def all_optimizers(self) -> list[LightningOptimizer]:
        """Those of :meth:`trained_parts`, also where there is one alone."""
        found: Any = self.optimizers()
        return found if isinstance(found, list) else [found]
