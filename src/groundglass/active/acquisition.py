"""How much there is to learn from a pixel, told from several draws of the network with dropout.

The paper's text and its release disagree. The text takes the entropy of the mean over draws, summed over both
classes. The release averages ``-p log p`` of the lesion's probability alone over the draws: highest at p = 1/e and
lopsided, so that a confident "lesion" (p = 0.9: 0.095) ranks below a confident "background" (p = 0.1: 0.230).
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torch.special import entr

from groundglass.registry import Registry


class Acquisition(ABC):
    """Scores pixels. ``uses_draws`` is false for one that looks at no prediction, which then costs no time."""

    uses_draws: ClassVar[bool] = True

    @abstractmethod
    def score(self, draws: Tensor) -> Tensor:
        """Score of each pixel ``(B, H, W)`` from lesion probabilities ``(T, B, H, W)`` of T draws; high is asked."""


class Random(Acquisition):
    """Any region: what every other acquisition must beat."""

    uses_draws: ClassVar[bool] = False

    def score(self, draws: Tensor) -> Tensor:
        """Random numbers."""
        return torch.rand(draws.shape[1:])


class Entropy(Acquisition):
    """Entropy of the mean over draws, in nats (paper 001, section 3.2)."""

    def score(self, draws: Tensor) -> Tensor:
        """Highest where the mean probability is 0.5."""
        return entropy(draws.mean(dim=0))


class ReleasedEntropy(Acquisition):
    """Mean over draws of ``-p log p`` of the lesion's probability, as in the code of paper 001."""

    def score(self, draws: Tensor) -> Tensor:
        """Highest where every draw says 1/e."""
        score: Tensor = entr(draws).mean(dim=0)
        return score


class Bald(Acquisition):
    """What the draws disagree about: entropy of their mean less the mean of their entropies (Houlsby et al., 2011)."""

    def score(self, draws: Tensor) -> Tensor:
        """Zero where all draws say the same, however unsure they are."""
        return entropy(draws.mean(dim=0)) - entropy(draws).mean(dim=0)


class ReleasedBald(Acquisition):
    """:class:`Bald` in the one-channel form of paper 001's code."""

    def score(self, draws: Tensor) -> Tensor:
        """Zero where all draws say the same."""
        score: Tensor = entr(draws.mean(dim=0)) - entr(draws).mean(dim=0)
        return score


ACQUISITIONS = Registry(
    "acquisition",
    {
        "random": "groundglass.active.acquisition:Random",
        "entropy": "groundglass.active.acquisition:Entropy",
        "entropy-released": "groundglass.active.acquisition:ReleasedEntropy",
        "bald": "groundglass.active.acquisition:Bald",
        "bald-released": "groundglass.active.acquisition:ReleasedBald",
    },
)


LEAST = 0.005
"""Thresholds are not taken nearer to 0 or 1 than this, the width of a bin in their choice."""


def centered(draws: Tensor, threshold: float) -> Tensor:
    """Probabilities moved so that ``threshold`` becomes 0.5, by the same factor of the odds everywhere.

    Where clicks and whole background regions weigh alike in training, a network calls far too much lesion at 0.5, and
    its entropy is highest in pixels that are almost surely background. What is worth asking lies around the
    threshold by which it decides.

    Example:
        >>> centered(torch.tensor([0.0, 0.8, 1.0]), 0.8)
        tensor([0.0000, 0.5000, 1.0000])
    """
    threshold = min(max(threshold, LEAST), 1 - LEAST)
    lesion, background = draws * (1 - threshold), (1 - draws) * threshold
    return lesion / (lesion + background)


def entropy(probability: Tensor) -> Tensor:
    """``-p log p - (1 - p) log(1 - p)``, in nats; 0 at 0 and 1."""
    both: Tensor = entr(probability) + entr(1 - probability)
    return both
