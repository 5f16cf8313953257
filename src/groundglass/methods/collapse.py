"""Is the adversarial training still about lesions? (paper 003, section III-B and Figs. 4 and 5)"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from torch import Tensor

logger = logging.getLogger(__name__)

TOO_MUCH = 0.7
"""Share of a diseased lung called lesion above which it is no longer the lesions that are found."""

TOO_LITTLE = 0.001
CHANCE = 0.55
"""Share of right answers of the discriminator, below which it knows no better than a coin."""

FIGURES = ("lesion_share", "lesion_share_healthy", "d_right_diseased", "d_right_healthy", "d_right_composite")
"""What is logged: parts of the lungs called lesion, and how often the discriminator is right."""


FIRST = 3
"""Epoch from which it is said: at the start no player knows anything."""


class CollapseWarnings:
    """Says what is wrong, each kind of collapse when it begins, and again if it comes back."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def say(self, logged: Mapping[str, Any], epoch: int) -> None:
        """Warn of what the figures of an epoch, counted from 1, show and those of the epoch before did not."""
        if epoch < FIRST:
            return
        found = collapse_sentences(logged)
        for key, sentence in found.items():
            if key not in self.said:
                logger.warning("epoch %d: %s", epoch, sentence)
        self.said = set(found)


def lesion_share(logits: Tensor, lung: Tensor) -> Tensor:
    """The part of the lungs called lesion; both ``(B, 1, *spatial)``.

    Example:
        >>> import torch
        >>> float(lesion_share(torch.tensor([1.0, -1.0, 1.0]), torch.tensor([True, True, False])))
        0.5
    """
    return ((logits.detach() > 0) & lung).sum() / lung.sum().clamp_min(1)


def collapse_sentences(logged: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, in plain words, by a key that stays the same from epoch to epoch.

    Args:
        logged: Means over an epoch of :data:`FIGURES`, each with ``train_`` before it; missing ones are passed over.

    Example:
        >>> list(collapse_sentences({"train_lesion_share": 0.9, "train_d_right_diseased": 1.0}))
        ['too much']
    """
    share, healthy, sees_diseased, sees_healthy, _ = (_figure(logged, name) for name in FIGURES)
    found: dict[str, str] = {}
    if share is not None and share > TOO_MUCH:
        found["too much"] = (
            f"{share:.0%} of the diseased lungs is called lesion: the segmenter covers everything to deceive the "
            "discriminator; raise weights.healthy or lower weights.adversarial"
        )
    if share is not None and share < TOO_LITTLE:
        found["too little"] = (
            f"{share:.2%} of the diseased lungs is called lesion: the segmenter has stopped looking; raise weights.mil "
            "or weights.labeled"
        )
    if share is not None and healthy is not None and healthy > max(share, TOO_LITTLE):
        found["healthy"] = (
            f"more of the healthy lungs ({healthy:.0%}) is called lesion than of the diseased ({share:.0%})"
        )
    if sees_diseased is not None and sees_healthy is not None and (sees_diseased + sees_healthy) / 2 < CHANCE:
        found["blind"] = (
            f"the discriminator tells diseased from healthy scans no better than chance ({sees_diseased:.0%} and "
            f"{sees_healthy:.0%} right): it has no lesion signal to give; raise weights.id_to_d or its learning rate"
        )
    return found


def _figure(logged: Mapping[str, Any], name: str) -> float | None:
    value = logged.get(f"train_{name}")
    return None if value is None else float(value)
