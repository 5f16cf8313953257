"""LCFCN and its consistent form: losses that make of each clicked lesion one blob (paper 000, section 4.4).

LCFCN is Eq. 1 of Laradji et al., *Where are the Blobs*, ECCV 2018: image level, point level, split level and false
positives. All four are cross-entropies on sets of pixels, so that the whole is one weighted sum over the image.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from groundglass.losses.consistency import consistency_loss
from groundglass.losses.lcfcn_weights import Variant
from groundglass.losses.lcfcn_weights import pixel_weights
from groundglass.losses.watershed_split import reliefs


def lcfcn_loss(logits: Tensor, target: Tensor, *, variant: Variant = "released", ignore_index: int = 255) -> Tensor:
    """LCFCN, summed over the images of a batch.

    With p the probabilities, n the lesion clicks of an image and a blob an 8-connected part of ``p > 0.5``:

    ============== ================================================ ==============================================
    term           ``released``                                     ``paper``
    ============== ================================================ ==============================================
    image level    lowest p down; highest p up if n > 0             the same; highest p down if n = 0
    point level    clicks up, summed                                the same
    split level    mean over the image's watershed boundary, times  sum over both boundaries together, each pixel
                   n - 1; and over that within each blob of m > 1   times the clicks in the blob it lies in
                   clicks, times m - 1; down
    false positive mean over each blob without a click, down        sum over their pixels, down
    ============== ================================================ ==============================================

    Both flood the black top-hat (7 x 7) of p from the clicks. Departures from the release: touching clicks are one
    click (enlarging a target map doubles pixels); an image with no label at all has no say, so a slice without lesion
    has to be labeled as such to count; logits are used instead of clipped logarithms. Background clicks say only
    that the image was looked at, as in the release.

    Args:
        logits: ``(B, 1, H, W)``.
        target: ``(B, 1, H, W)`` uint8: 0 background, 1 lesion, 255 unlabeled.
        variant: ``released`` or ``paper``.
        ignore_index: Value of unlabeled pixels.

    Returns:
        A scalar; zero, with a gradient, if nothing is labeled.

    Example:
        >>> target = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)
        >>> target[0, 0, 4, 4] = 1
        >>> round(float(lcfcn_loss(torch.zeros(1, 1, 8, 8), target)), 4)  # lowest, highest and click: 3 log 2
        2.0794
    """
    up, down = _weights(logits.detach(), target, variant, ignore_index)
    some = (up + down).nonzero(as_tuple=True)  # some hundred pixels an image
    chosen = logits[some]
    return (up[some] * F.softplus(-chosen) + down[some] * F.softplus(chosen)).sum()


def cb_lcfcn_terms(
    logits: Tensor,
    recovered: Tensor,
    target: Tensor,
    *,
    variant: Variant = "released",
    weight: float = 1.0,
    ignore_index: int = 255,
) -> dict[str, Tensor]:
    """CB-LCFCN: LCFCN on the predictions of the images, and their difference from those of the mirrored images.

    ``released`` compares logits and takes the mean over pixels; ``paper`` compares probabilities and takes the sum
    (paper 000, Eq. 3). In both, LCFCN is on the branch of the unmirrored images alone.

    Args:
        logits: ``(B, 1, H, W)`` of the images.
        recovered: ``(B, 1, H, W)`` of the mirrored images, mirrored back.
        target: See :func:`lcfcn_loss`.
        variant: ``released`` or ``paper``.
        weight: Weight of the consistency term.
        ignore_index: Value of unlabeled pixels.

    Returns:
        ``loss``, and its two terms ``lcfcn`` and ``consistency`` (without its weight).
    """
    lcfcn = lcfcn_loss(logits, target, variant=variant, ignore_index=ignore_index)
    if variant == "paper":
        consistency = consistency_loss(logits, recovered, space="probabilities", reduction="sum")
    else:
        consistency = consistency_loss(logits, recovered)
    return {"loss": lcfcn + weight * consistency, "lcfcn": lcfcn, "consistency": consistency}


def _weights(logits: Tensor, target: Tensor, variant: Variant, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Weights of every pixel up and down, ``(B, 1, H, W)`` each."""
    lesion = (target[:, 0] == 1).cpu().numpy()
    labeled = (target != ignore_index).flatten(1).any(dim=1).cpu().numpy()
    probability = logits[:, 0].float().sigmoid().cpu().numpy()
    weights = np.zeros((2, *probability.shape), np.float32)
    relief = reliefs(probability)
    for index in np.flatnonzero(labeled):
        weights[:, index] = pixel_weights(probability[index], relief[index], lesion[index], variant)
    up, down = torch.from_numpy(weights).to(logits).unsqueeze(2)
    return up, down
