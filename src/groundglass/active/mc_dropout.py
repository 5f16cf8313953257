"""Several opinions of one network: dropout stays on, everything else is as in prediction (Gal and Ghahramani, 2016)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from groundglass.errors import InputError
from groundglass.methods.method import Method
from groundglass.networks.unet import UNet

AT_ONCE = 10
"""Slices times draws in one pass: more do not fit the processor's cache and take longer."""


def dropout_layers(network: nn.Module) -> list[_DropoutNd]:
    """The layers of a network that drop anything."""
    return [module for module in network.modules() if isinstance(module, _DropoutNd) and module.p > 0]


def check_dropout(method: Method) -> None:
    """See that draws can differ.

    Raises:
        InputError: If the network drops nothing.
    """
    if not dropout_layers(method.network):
        raise InputError(
            "this acquisition needs a network with dropout, and that of the recipe has none; "
            "set network_options.dropout, for instance to 0.2"
        )


@contextmanager
def dropping(network: nn.Module) -> Iterator[None]:
    """Within the block dropout is on while batch norm and all else stay in evaluation mode."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    for layer in dropout_layers(network):
        layer.train()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@torch.inference_mode()
def lesion_draws(method: Method, images: Tensor, draws: int) -> Tensor:
    """Lesion probabilities ``(T, B, H, W)`` of images ``(B, 1, H, W)`` in T draws of the dropout.

    What comes before the first dropout is computed once where the network can be divided there, which the default
    one can; the draws go through the rest together.
    """
    images = images.to(method.device, torch.float32).contiguous(memory_format=torch.channels_last)
    step = max(AT_ONCE // draws, 1)
    parts = (images[start : start + step] for start in range(0, len(images), step))
    with dropping(method.network):
        return torch.cat([_draws(method, part, draws) for part in parts], dim=1)


def _draws(method: Method, images: Tensor, draws: int) -> Tensor:
    """Draws of few images, in several passes if one would be too large."""
    again = _after_first_dropout(method, images)
    at_once = max(AT_ONCE // len(images), 1)
    counts = [min(at_once, draws - first) for first in range(0, draws, at_once)]
    drawn = [again(count).reshape(count, *images[:, 0].shape) for count in counts]
    return torch.cat(drawn).float().cpu()


def _after_first_dropout(method: Method, images: Tensor) -> Callable[[int], Tensor]:
    """Gives so many draws of ``images``, one image after the other and again."""
    network = method.network
    if not isinstance(network, UNet) or type(method).probabilities is not Method.probabilities:
        return lambda count: method.probabilities(_tiled(images, count))
    features = network.encode(images)
    return lambda count: _decoded(network, features, count, images)


def _decoded(network: UNet, features: list[Tensor], count: int, images: Tensor) -> Tensor:
    logits = network.decode([_tiled(one, count) for one in features], images.shape[2:])
    return logits.float().sigmoid()  # bfloat16 cannot tell a probability of 0.999 from 1


def _tiled(maps: Tensor, count: int) -> Tensor:
    return maps.repeat(count, *[1] * (maps.ndim - 1)).contiguous(memory_format=torch.channels_last)
