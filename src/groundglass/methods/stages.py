"""What the methods share that first train a classifier and then, with what it has learned, a second network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tag_method import TagMethod


class TwoStages(TagMethod):
    """The first ``stage1_epochs`` epochs train the classifier, the others the second network, in one run.

    The learning rate starts over at the second stage, and so do the choice of the best epoch and the patience: the
    kept weights are always of the second stage, as those before it have nothing to segment with.

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        stage1_epochs: Epochs of the classifier.

    Raises:
        InputError: If ``stage1_epochs`` is below 1.
    """

    second_stage: Tensor
    """Above 0 once the second stage has begun. A float, so that a running mean of the weights keeps it above 0."""

    def __init__(self, *, network: nn.Module, settings: TrainingSettings, stage1_epochs: int) -> None:
        super().__init__(network=network, settings=settings)
        if stage1_epochs < 1:
            raise InputError(f"method_options.stage1_epochs must be 1 or more, not {stage1_epochs}")
        self.stage1_epochs = stage1_epochs
        self.register_buffer("second_stage", torch.tensor(0.0))

    @property
    def segmenting(self) -> bool:
        """Whether the second stage has begun."""
        return bool(self.second_stage > 0)

    def on_fit_start(self) -> None:
        """Lightning's hook: see that there is time for both stages, and one process, as only one network is in use.

        Raises:
            InputError: If not.
        """
        if self.trainer.world_size > 1:
            raise InputError("this method trains two networks in turn and in one process; use --devices 1")
        if (self.trainer.max_epochs or 0) <= self.stage1_epochs:
            raise InputError(
                f"recipe: epochs {self.trainer.max_epochs} leave none for the second stage; set it above "
                f"method_options.stage1_epochs, {self.stage1_epochs}"
            )

    def on_train_epoch_start(self) -> None:
        """Lightning's hook: begin the second stage when it is time."""
        if self.current_epoch >= self.stage1_epochs and not self.segmenting:
            self.begin_second_stage()
            self.second_stage.fill_(1.0)

    def begin_second_stage(self) -> None:
        """What is done once between the stages."""

    def starts_over(self, epoch: int) -> bool:
        """In every epoch of the first stage, and at the first of the second."""
        return epoch <= self.stage1_epochs

    def begins_stage(self, epoch: int) -> bool:
        """At the first epoch of the second stage."""
        return epoch == self.stage1_epochs

    def rate(self, done: float) -> float:
        """The schedule of :class:`Method`, once for each stage."""
        share = self.stage1_epochs / (self.trainer.max_epochs or 1)
        return super().rate(done / share if done < share else (done - share) / (1 - share))
