"""A training that goes on from the weights of another: of the shipped model, or of an earlier run."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.checkpoint import load_method
from groundglass.methods.method import Method
from groundglass.prediction.shipped import SHIPPED

SHIPPED_NAME = "shipped"


def weights_of(start: str | Path) -> Path:
    """The checkpoint file that ``start`` names: ``shipped``, a run folder or a file."""
    return SHIPPED if str(start) == SHIPPED_NAME else find_checkpoint(Path(start))


def start_from(method: Method, start: str | Path) -> None:
    """Give a method's network the weights of another's; what else the other has learned, as a threshold, is left.

    Args:
        method: The method to be trained.
        start: ``shipped``, a run folder or a checkpoint file.

    Raises:
        InputError: If there is no usable checkpoint, or its network is another one.
    """
    path = weights_of(start)
    before, config = load_method(path)
    try:
        method.network.load_state_dict(before.network.state_dict())
    except RuntimeError as error:
        raise InputError(
            f"{path}: its network ({config.network}, {config.network_options}) is not the one this recipe trains; give "
            "the recipe the same network and network_options, or leave --start-from out"
        ) from error
