"""The baseline that learns nothing: what is bright, smoothed, is lesion."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.errors import InputError
from groundglass.methods.heat import Cleaning
from groundglass.methods.heat import smoothed
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings

SIGMA = 2.0
"""Pixels, at the 512 x 512 of the slices."""


class SmoothedIntensity(Method):
    """Brightness after a Gaussian, inside the lungs; for slices that are black outside. There is nothing to train.

    Args:
        sigma: Standard deviation of the Gaussian, in pixels of the network's grid.
        median: Read the image as the methods' heat maps are read, above its median; see :class:`Cleaning`.
        opening: With ``median``: take away what is thin, as vessels are.
    """

    uses: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, sigma: float = SIGMA, median: bool = False, opening: int = 1) -> None:
        super().__init__(network=nn.Identity(), settings=TrainingSettings())
        self.sigma = sigma
        self.cleaning = Cleaning(median, opening, sigma) if median else None

    def probabilities(self, image: Tensor) -> Tensor:
        """The heat map, zero where the image is black."""
        inside = image > 0
        return smoothed(image, self.sigma) * inside if self.cleaning is None else self.cleaning(image, inside)

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Refused.

        Raises:
            InputError: Always.
        """
        raise InputError("smoothed intensity has nothing to train")
