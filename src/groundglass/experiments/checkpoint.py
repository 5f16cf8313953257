"""Checkpoints that are written whole or not at all, and read without running code from them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins import CheckpointIO

from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.files import replacing
from groundglass.methods import METHODS
from groundglass.methods.method import Method
from groundglass.methods.tag_method import TagMethod
from groundglass.networks import VOLUME_NETWORKS
from groundglass.networks import build_network
from groundglass.networks.classifier import Classifier

BROKEN = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What ``torch.load`` raises on a damaged file, and on one of another kind."""


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's checkpoint files: replaced in one step, loaded with ``weights_only=True``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint; the previous one stays if this fails."""
        with replacing(Path(path)) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:  # how torch reports a write that failed, for instance on a full disk
                raise OSError(str(error).splitlines()[0]) from error

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint that another has replaced."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint file.

    Raises:
        InputError: If it is missing, damaged, not a checkpoint of this package, or holds anything but plain data.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no checkpoint; give a run folder or a .ckpt file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except BROKEN as error:
        raise InputError(f"{path}: damaged, or not a checkpoint of groundglass; use another or train again") from error
    if isinstance(content, dict):
        parts = content.get("hyper_parameters")
        if isinstance(parts, dict) and isinstance(parts.get("config"), dict):
            return content
    raise InputError(f"{path}: not a checkpoint of groundglass; give a file from a run's checkpoints folder")


def set_threshold(path: Path, threshold: float) -> None:
    """Put the chosen threshold into a checkpoint file."""
    content = read_checkpoint(path)
    content["state_dict"]["threshold"] = torch.tensor(threshold)
    AtomicCheckpointIO().save_checkpoint(content, path)


def find_checkpoint(path: Path) -> Path:
    """The checkpoint meant by ``path``: a file, or the best one of a run folder."""
    if path.is_dir():
        for name in ("best.ckpt", "last.ckpt"):
            if (path / "checkpoints" / name).is_file():
                return path / "checkpoints" / name
    return path


def unfinished(path: Path) -> str | None:
    """What to say of a checkpoint whose run was begun (``config.yaml``) and not ended (``result.json``), if so."""
    run = path.resolve().parent.parent
    if not (run / "config.yaml").is_file() or (run / "result.json").is_file():
        return None
    return (
        f"{run}: this run was not finished, so its weights are not the final ones and no threshold was chosen; go on "
        "with it by groundglass train --resume"
    )


def load_method(path: str | Path) -> tuple[Method, Config]:
    """A trained method, and the recipe it was trained with, from a checkpoint file or a run folder.

    Raises:
        InputError: If there is no usable checkpoint.
    """
    path = find_checkpoint(Path(path))
    content = read_checkpoint(path)
    try:
        config = Config.from_dict(content["hyper_parameters"]["config"])
        method = build_method(config, pretrained=False)
    except InputError as error:
        raise InputError(f"{path}: from another version of groundglass ({error}); train again") from error
    try:
        method.load_state_dict(content["state_dict"])
    except (RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: its weights do not fit its own recipe; train again") from error
    return method.eval(), config


def build_method(config: Config, *, pretrained: bool = True) -> Method:
    """An untrained method as a recipe describes it.

    Args:
        config: The recipe.
        pretrained: Start from whatever weights the recipe names; not needed before loading a checkpoint.
    """
    _check_dimensions(config)
    options = dict(config.network_options)
    if not pretrained:
        options |= {key: value for key, value in {"pretrained": False, "weights": None}.items() if key in options}
        if config.network in ("unet", "classifier"):
            options["pretrained"] = False
    layout = torch.channels_last if config.grid.depth is None else torch.channels_last_3d
    network = build_network(config.network, options).to(memory_format=layout)  # type: ignore[call-overload]
    method: Method = METHODS.build(config.method, config.method_options, network=network, settings=config.settings)
    if isinstance(network, Classifier) and not isinstance(method, TagMethod):
        raise InputError(
            f"recipe: network 'classifier' gives no map of every pixel, which method {config.method!r} needs; choose "
            "another, as unet"
        )
    method.save_hyperparameters({"config": config.to_dict()})
    return method


def _check_dimensions(config: Config) -> None:
    """See that method and network take what the grid gives: slices or volumes."""
    volumes = config.grid.depth is not None
    dimension, what = (3, "volumes") if volumes else (2, "slices")
    change = "take grid.depth out" if volumes else "set grid.depth, as 32"
    if dimension not in METHODS.get(config.method).dimensions:
        raise InputError(f"recipe: method {config.method!r} cannot be trained on {what}; choose another, or {change}")
    if (config.network in VOLUME_NETWORKS) != volumes:
        raise InputError(f"recipe: network {config.network!r} does not take {what}; choose another, or {change}")
