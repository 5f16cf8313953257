"""What the methods that learn from slice tags share: a classifier, its loss, and which slices it is trained on."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.augmentation import jitter
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.methods.augment import Move
from groundglass.methods.augment import draw_moves
from groundglass.methods.augment import move
from groundglass.methods.augment import noisy
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tagged import tagged_slices
from groundglass.networks.classifier import Classifier


class TagMethod(Method):
    """Base of the methods whose network tells slices with a lesion from slices without.

    Args:
        network: A :class:`Classifier`.
        settings: See :class:`Method`.

    Raises:
        InputError: If the network is another one.
    """

    uses: ClassVar[tuple[str, ...]] = ("slice_tag", "scan_tag")

    network: Classifier

    def __init__(self, *, network: nn.Module, settings: TrainingSettings) -> None:
        super().__init__(network=network, settings=settings)
        if not isinstance(network, Classifier):
            raise InputError("recipe: this method learns from slice tags and needs 'network: classifier'")

    def usable(self, samples: SliceSamples) -> Tensor:
        """``(N,)`` bool: the tagged slices with lung; how many are left out is said.

        Raises:
            InputError: If all tags are alike.
        """
        return tagged_slices(samples)

    def step_loss(self, batch: Sample) -> dict[str, Tensor]:
        """:meth:`loss` of a batch as it comes from the loader, augmented."""
        return self.loss(self.moved(batch, draw_moves(batch, self.settings)))

    def moved(self, batch: Sample, moves: list[Move]) -> Sample:
        """The batch moved and jittered; what is black stays black, as outside the lungs it must in use."""
        moved = move(batch, moves)
        image = jitter(moved["image"], brightness=self.settings.brightness, contrast=self.settings.contrast)
        image = noisy(image, self.settings.noise)
        image = (image * (moved["image"] > 0)).contiguous(memory_format=torch.channels_last)
        return {**moved, "image": image}


def class_loss(scores: Tensor, tag: Tensor) -> Tensor:
    """Cross-entropy of activation maps ``(B, 1, h, w)`` against tags ``(B,)``: 1 lesion, 0 none, -1 left out."""
    known = tag >= 0
    if not known.any():
        return scores.sum() * 0.0
    return F.binary_cross_entropy_with_logits(class_logits(scores)[known], tag[known].to(scores.dtype))
