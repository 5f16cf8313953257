"""A batch that leaves normalization nothing to average over is said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from groundglass.errors import InputError
from groundglass.experiments.config import Config

SINGLE_VALUE = "Expected more than 1 value per channel"
"""How torch says it; it has no exception of its own."""


@contextmanager
def saying_small_batches(config: Config) -> Iterator[None]:
    """Within the block a batch that is too small is answered with the options that make it so.

    Args:
        config: The recipe.

    Raises:
        InputError: If a layer with normalization was given a single value for each channel: one slice (of a
            method with a critic, one of either kind) in which a single pixel is left at that depth.
    """
    try:
        yield
    except ValueError as error:
        if SINGLE_VALUE not in str(error):
            raise
        raise InputError(
            f"recipe: batch_size {config.batch_size} with grid.size {list(config.grid.size)}, and the labeled slices "
            "there are, leave normalization a single value of each channel, which has no spread; raise one of them"
        ) from error
