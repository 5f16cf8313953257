"""What SEAM asks of the activation maps of an image at two sizes (Wang et al., CVPR 2020).

Maps have a channel of background, number 0, and one for each class; how many is read from their shape.
"""

from __future__ import annotations

from torch import Tensor

HARDEST = 0.2
"""Share of the values that the cross regularization looks at: those that differ most."""

LOWEST = 0.25
"""Share of the pixels that must be free of any class."""


def equivariance_loss(maps: Tensor, again: Tensor) -> Tensor:
    """ER: mean absolute difference of the classes' maps of two views, brought to one size (its Eq. 5).

    Args:
        maps: ``(B, 1 + classes, h, w)``.
        again: Of the other view, of the same size.
    """
    return (maps[:, 1:] - again[:, 1:]).abs().mean()


def cross_regularization(maps: Tensor, refined: Tensor) -> Tensor:
    """ECR: the refined maps of one view against the maps of the other (its Eq. 6, as released).

    Of the other view only the strongest class of each place counts, without a gradient; the hardest fifth of all
    values is averaged.

    Args:
        maps: ``(B, 1 + classes, h, w)`` of the other view.
        refined: ``(B, 1 + classes, h, w)``.
    """
    difference = (strongest_class(maps.detach()) - refined).abs().flatten(1)
    return difference.topk(max(int(HARDEST * difference.shape[1]), 1), dim=1).values.mean()


def strongest_class(maps: Tensor) -> Tensor:
    """The maps with all classes but each place's strongest set to 0; the background stays."""
    kept = maps.clone()
    kept[:, 1:] *= maps[:, 1:] == maps[:, 1:].amax(dim=1, keepdim=True)
    return kept


def lowest_quarter(maps: Tensor) -> Tensor:
    """Mean of the lowest quarter of an image's pixels, by their strongest class, above 0: some of it is background.

    Args:
        maps: ``(B, classes, h, w)`` without the background.
    """
    strength = maps.amax(dim=1).flatten(1)
    return strength.topk(max(int(LOWEST * strength.shape[1]), 1), dim=1, largest=False).values.relu().mean()
