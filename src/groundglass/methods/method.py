"""What every method is: a network, a loss on what is labeled, and lesion probabilities by the same call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any
from typing import ClassVar
from typing import Literal

import torch
from lightning import LightningModule
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch import nn
from torch.utils._pytree import tree_map

from groundglass.datasets.group_loader import Draw
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.methods.augment import augment
from groundglass.methods.optimizer import adam
from groundglass.methods.settings import TrainingSettings


class Method(LightningModule):
    """Base of all methods. A new one says which labels it needs and gives a loss.

    Args:
        network: ``(B, 1, *spatial)`` in [0, 1] to logits ``(B, 1, *spatial)``.
        settings: Optimizer and augmentation.
    """

    threshold: Tensor
    """Probability above which a pixel is called lesion; chosen on the validation cases at the end of a run."""

    uses: ClassVar[tuple[str, ...]]
    """Kinds of label events it is trained on unless the recipe's ``labels`` says otherwise; it needs one of them."""

    dimensions: ClassVar[tuple[Literal[2, 3], ...]] = (2,)
    """What it can be trained on: 2 for slices, 3 for volumes."""

    def __init__(self, *, network: nn.Module, settings: TrainingSettings) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        network.register_forward_hook(in_float32)
        self.register_buffer("threshold", torch.tensor(0.5))

    @abstractmethod
    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of the loss of a batch of samples; ``loss`` is their sum, the others are logged.

        A batch with nothing labeled gives zero with a gradient.
        """

    def usable(self, samples: SliceSamples) -> Tensor:
        """``(N,)`` bool: the slices worth training on; those with at least one labeled pixel."""
        return samples.labeled

    def draws(self, samples: SliceSamples, batch_size: int) -> list[Draw] | None:
        """What each batch holds of which group of samples; ``None`` where any of the :meth:`usable` ones will do.

        Raises:
            InputError: If a group is missing.
        """
        return None

    def probabilities(self, image: Tensor) -> Tensor:
        """Lesion probabilities ``(B, 1, *spatial)`` of images ``(B, 1, *spatial)`` in [0, 1]."""
        logits: Tensor = self.network(image)
        return logits.sigmoid()

    def views(self, image: Tensor) -> dict[str, Tensor]:
        """What there is to look at for images ``(B, 1, *spatial)`` in [0, 1]: maps of the same kind, by name."""
        return {"heat map": self.probabilities(image)}

    def restorer(self) -> Callable[[Tensor, Tensor], dict[str, Tensor]] | None:
        """What heals a scan, if the method does; ``None`` if it does not.

        It takes images and their lung masks, ``(B, 1, *spatial)`` in [0, 1] and bool, and gives volumes of the same
        shape by name: lesion probabilities ``mask``, the ``generated`` healthy tissue, and ``synthetic``, the image
        with that tissue where the mask is.
        """
        return None

    def step_loss(self, batch: Sample) -> dict[str, Tensor]:
        """:meth:`loss` of a batch as it comes from the loader: augmented, and laid out for speed."""
        batch = augment(batch, self.settings)
        layout = torch.channels_last if batch["image"].ndim == 4 else torch.channels_last_3d
        return self.loss({**batch, "image": batch["image"].contiguous(memory_format=layout)})

    def training_step(self, batch: Sample, batch_idx: int) -> Tensor:
        """Lightning's hook: the loss of a batch."""
        terms = self.step_loss(batch)
        logged = {f"train_{key}": value.detach() for key, value in terms.items()}
        self.log_dict(logged, on_step=False, on_epoch=True, batch_size=len(batch["image"]))
        return terms["loss"]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: weights saved alone are those that are used, the running mean if there is one.

        Lightning itself sees to that only in checkpoints to resume from.
        """
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, WeightAveraging) and "current_model_state" not in checkpoint:
                callback.on_save_checkpoint(self.trainer, self, checkpoint)
                del checkpoint["current_model_state"], checkpoint["averaging_state"]

    def starts_over(self, epoch: int) -> bool:
        """Whether validation scores from ``epoch`` (0 is the first) on are not to be compared with those before.

        The best weights and the patience then start anew. A method that trains two networks, one after the other,
        says so at the second; see :class:`groundglass.methods.stages.TwoStages`. One whose network learns only after
        another says so until then; see :class:`groundglass.methods.adversarial.Adversarial`.
        """
        return False

    def begins_stage(self, epoch: int) -> bool:
        """Whether another network is trained from ``epoch`` on, so that the scores before it say nothing about it."""
        return False

    def rate(self, done: float) -> float:
        """Learning rate, relative to the first, when the share ``done`` of all steps is done."""
        return float(max(1 - done, 0.0) ** self.settings.power)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, with the learning rate decaying over all steps as :meth:`rate` says."""
        optimizer = adam(self.parameters(), self.settings)
        total = max(int(self.trainer.estimated_stepping_batches), 1)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.rate(step / total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def in_float32(network: nn.Module, inputs: Any, output: Any) -> Any:
    """Losses are computed in float32, whatever a network computed in."""
    return tree_map(lambda value: value.float(), output)
