"""A checkpoint to give away: weights in half precision, without what only training needs."""

from __future__ import annotations

from pathlib import Path

from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.checkpoint import read_checkpoint


def export(run: str | Path, path: str | Path) -> None:
    """Write the best weights of a run as float16, half the size; loading them gives float32 again.

    Args:
        run: A run folder or a ``.ckpt`` file.
        path: The file to write.

    Raises:
        InputError: If there is no usable checkpoint, or ``path`` cannot be written.
    """
    content = read_checkpoint(find_checkpoint(Path(run)))
    weights = {
        key: value.half() if value.is_floating_point() and value.ndim > 0 else value
        for key, value in content["state_dict"].items()
    }
    kept = {"state_dict": weights, "hyper_parameters": {"config": content["hyper_parameters"]["config"]}}
    AtomicCheckpointIO().save_checkpoint(kept, Path(path))
