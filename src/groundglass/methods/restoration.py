"""How GASNet puts volumes together (paper 003, Eq. 1 and section III-C)."""

from __future__ import annotations

import torch
from torch import Tensor

from groundglass.errors import InputError

IGNORE_INDEX = 255


def compose(generated: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """The composite ``I_s``: the generated volume where the mask is 1, the image elsewhere; all ``(B, 1, *spatial)``.

    Example:
        >>> float(compose(torch.tensor(0.2), torch.tensor(0.6), torch.tensor(0.25)))
        0.5
    """
    return generated * mask + image * (1 - mask)


def synthesize(healthy: Tensor, diseased: Tensor, mask: Tensor, lung: Tensor, *, xi: float) -> tuple[Tensor, Tensor]:
    """Lesions of one patient in the lungs of a healthy one, and their labels.

    The two are matched by nothing but the box around their lungs.

    Args:
        healthy: ``(B, 1, *spatial)``.
        diseased: ``(B, 1, *spatial)``.
        mask: Lesion probabilities of the diseased volumes; no gradient flows through them.
        lung: Lung mask of the **healthy** volumes, bool.
        xi: Above ``0.5 + xi`` is lesion, up to ``0.5 - xi`` background, what lies between is left out (255).

    Returns:
        Volumes ``(B, 1, *spatial)`` and target maps ``(B, 1, *spatial)`` uint8.

    Raises:
        InputError: If ``xi`` is not from 0 to 0.5.
    """
    if not 0 <= xi <= 0.5:
        raise InputError(f"xi must be from 0 to 0.5, not {xi}")
    inside = mask.detach() * lung
    target = torch.full_like(inside, IGNORE_INDEX, dtype=torch.uint8)
    target[inside > 0.5 + xi] = 1
    target[inside <= 0.5 - xi] = 0
    return compose(diseased, healthy, inside), target
