"""Wasserstein GAN with gradient penalty (Gulrajani et al., NeurIPS 2017), as paper 002 uses it (Eqs. 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def critic_distance(real: Tensor, fake: Tensor) -> Tensor:
    """How far the critic tells them apart, with its sign turned: what the critic makes small, without the penalty.

    Args:
        real: Scores of normal images, ``(N,)``.
        fake: Scores of generated ones, ``(M,)``.

    Example:
        >>> critic_distance(torch.tensor([3.0]), torch.tensor([1.0]))
        tensor(-2.)
    """
    return fake.mean() - real.mean()


def adversarial_loss(fake: Tensor) -> Tensor:
    """What the generator makes small: minus the mean score ``(M,)`` of its images."""
    return -fake.mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean of ``(|grad D| - 1)^2`` at a random place between each real and each generated image.

    Args:
        critic: Images ``(B, C, *spatial)`` to scores ``(B,)``.
        real: Normal images ``(B, C, *spatial)``.
        fake: Generated ones, as many.

    Example:
        >>> def linear(image):
        ...     return 3 * image.flatten(1).sum(dim=1)
        >>> gradient_penalty(linear, torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)).item()  # (3 * sqrt(4) - 1) ** 2
        25.0
    """
    share = torch.rand((len(real), *[1] * (real.ndim - 1)), device=real.device)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    scores = critic(between)
    (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    penalty: Tensor = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    return penalty
