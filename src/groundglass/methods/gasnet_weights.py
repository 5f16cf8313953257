"""Weights of GASNet's terms, as the text of paper 003 has them and as its release has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from typing import Literal

from groundglass.errors import InputError

Variant = Literal["paper", "released"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Each term can be left out by a weight of 0.

    Args:
        adversarial: The segmenter and the generator deceive the discriminator with the composite ``I_s``.
        recons: The generator gives a healthy volume back (L_recons).
        ig_to_d: The generated volume deceives the discriminator too (L_IgToD).
        id_to_d: The discriminator tells diseased volumes (L_IdToD); also the share of them in its updates.
        labeled: Segmentation of the labeled volumes.
        healthy: Segmentation of healthy volumes: nothing.
        mil: Some voxel of a diseased volume is lesion (L_MIL).
        synthetic: Segmentation of synthetic diseased volumes (L_ps).
        transplanted: Segmentation of drawn lesions set into healthy lungs, exactly labeled from the first step; ours.
    """

    adversarial: float = 1.0
    recons: float
    ig_to_d: float = 1.0
    id_to_d: float = 1.0
    labeled: float
    healthy: float = 100.0
    mil: float = 100.0
    synthetic: float = 100.0
    transplanted: float = 0.0


VARIANTS: dict[Variant, Weights] = {
    "paper": Weights(recons=1.0, labeled=100.0),
    "released": Weights(recons=100.0, labeled=500.0),
}
"""The paper weighs all of L_S with lambda_S = 100, the release the labeled volumes with 5 times that. The release's MIL
term is dead code; here it has the paper's weight."""

SYNTHETIC_FROM: dict[Variant, int] = {"paper": 7_000, "released": 5_000}
"""Step from which synthetic volumes are trained on. The release counts iterations, of which every other pair updates S
and G: two of them are a step here."""

FADE: dict[Variant, int | None] = {"paper": None, "released": 150_000}
"""Steps over which the discriminator stops being shown generated volumes."""


def resolve_weights(variant: Variant, changes: Mapping[str, float] | None) -> Weights:
    """The weights of a variant, with some of them changed.

    Raises:
        InputError: If a term is unknown, or a weight below 0.
    """
    changes = dict(changes or {})
    known = asdict(VARIANTS[variant])
    if unknown := sorted(changes.keys() - known.keys()):
        raise InputError(f"weights: there is no term called {unknown[0]!r}; there are {', '.join(known)}")
    if negative := [name for name, weight in changes.items() if not weight >= 0]:
        raise InputError(f"weights: {negative[0]} must be 0 or more, not {changes[negative[0]]}")
    return replace(VARIANTS[variant], **changes)
