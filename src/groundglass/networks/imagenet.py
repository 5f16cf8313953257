"""What ImageNet-pretrained networks expect at their input."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class ImageNetInput(nn.Module):
    """Grey image in [0, 1], ``(B, 1, H, W)``, to three channels with ImageNet's mean and deviation taken out."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to ``(B, 3, H, W)``."""
        return (image - self.mean) / self.std
