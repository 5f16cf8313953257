"""Tversky index: Dice with a say in what is worse, calling too much or too little (Salehi et al., MLMI 2017)."""

from __future__ import annotations

from torch import Tensor


def tversky_index(
    logits: Tensor,
    target: Tensor,
    *,
    false_positives: float = 0.3,
    false_negatives: float = 0.7,
    smooth: float = 1.0,
    ignore_index: int = 255,
) -> Tensor:
    """``(TP + s) / (TP + a FP + b FN + s)`` of the labeled pixels of the whole batch, soft.

    Over the batch and not image by image: most slices have little lesion or none, for which an index of their own
    says next to nothing.

    Args:
        logits: ``(B, 1, *spatial)``.
        target: ``(B, 1, *spatial)`` uint8: 0 background, 1 lesion, 255 unlabeled (left out).
        false_positives: Weight a of lesion called where there is none.
        false_negatives: Weight b of lesion not called; a = b = 0.5 gives Dice.
        smooth: Added above and below (s), which keeps the index above 0 where there is no lesion.
        ignore_index: Value of unlabeled pixels.

    Returns:
        A scalar from above 0 to 1; 1, with a gradient of zero, if nothing is labeled.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[[1, 0]]]], dtype=torch.uint8)
        >>> float(tversky_index(torch.tensor([[[[50.0, -50.0]]]]), target))
        1.0
    """
    labeled = (target != ignore_index).to(logits.dtype)
    lesion = (target == 1).to(logits.dtype)
    called = logits.sigmoid() * labeled
    both = (called * lesion).sum()
    wrong = false_positives * (called.sum() - both) + false_negatives * (lesion.sum() - both)
    return (both + smooth) / (both + wrong + smooth)
