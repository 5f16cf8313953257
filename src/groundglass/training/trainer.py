"""Lightning's trainer as our runs use it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import Callback
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.callbacks import ModelCheckpoint
from rich.console import Console
from torch import Tensor

from groundglass.datasets.group_loader import Draw
from groundglass.datasets.group_loader import GroupLoader
from groundglass.datasets.group_loader import GroupSampler
from groundglass.datasets.loader import BatchLoader
from groundglass.datasets.loader import EpochSampler
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.config import Config
from groundglass.methods.method import Method
from groundglass.prediction.build import build_predictor
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.validation import MONITORS
from groundglass.training.callbacks import SeedEpochs
from groundglass.training.callbacks import StartOver
from groundglass.training.callbacks import StopEarly
from groundglass.training.callbacks import Validate
from groundglass.training.divergence import StopDiverged
from groundglass.training.history_callback import History
from groundglass.training.progress import ProgressLine


def build_trainer(
    config: Config,
    output: Path,
    method: Method,
    validation: list[Pair],
    *,
    device: str,
    devices: int,
    console: Console | None,
) -> Trainer:
    """A trainer that validates, keeps the best and the last checkpoint in ``output``, and can be stopped at any time.

    Args:
        config: The recipe.
        output: The run folder.
        method: What is trained; validated through a :class:`Predictor`, as it will be used.
        validation: Validation cases with their masks.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: Number of processes or GPUs.
        console: Where progress is shown, or ``None``.

    Raises:
        InputError: If there is no such device, or not so many.
    """
    if devices < 1:
        raise InputError(f"--devices must be 1 or more, not {devices}")
    with quiet_lightning(), _device_errors(device, devices):
        return Trainer(
            max_epochs=config.epochs,
            accelerator=device,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            precision="bf16-mixed" if config.precision == "bf16" else "32-true",
            callbacks=_callbacks(config, output, method, validation, console),
            plugins=[AtomicCheckpointIO()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            # On a GPU the gradient of enlarging a volume has no deterministic form.
            deterministic=True if config.grid.depth is None else "warn",
            default_root_dir=output,
        )


def _callbacks(
    config: Config, output: Path, method: Method, validation: list[Pair], console: Console | None
) -> list[Callback]:
    predictor = build_predictor(method, config, batch_size=config.batch_size, orientations=1, smooth_mm=0.0)
    checkpoints = output / "checkpoints"
    monitor = f"val_{MONITORS[config.monitor]}"
    callbacks: list[Callback] = [SeedEpochs(config.seed), StartOver(), StopDiverged()]
    if config.settings.average > 0:
        callbacks.append(EMAWeightAveraging(decay=config.settings.average))
    if validation:  # before the history, which writes down what it logs
        callbacks += [
            Validate(predictor, validation, config.validate_every, config.monitor),
            StopEarly(monitor, mode="max", patience=config.patience, check_on_train_epoch_end=True),
        ]
        if config.select == "best":
            callbacks.append(_checkpoint(checkpoints, "best", monitor=monitor, mode="max", save_weights_only=True))
    callbacks += [History(output / "history.csv"), _checkpoint(checkpoints, "last")]
    if console is not None:
        title = f"{config.method}, {config.network}, seed {config.seed}"
        callbacks.append(ProgressLine(console, title, config.monitor))
    return callbacks


def _checkpoint(folder: Path, name: str, **options: Any) -> ModelCheckpoint:
    return ModelCheckpoint(folder, name, enable_version_counter=False, **options)


def build_loader(config: Config, method: Method, samples: SliceSamples, trainer: Trainer) -> BatchLoader | GroupLoader:
    """Batches of the samples the method can use; each process of ``trainer`` takes its share.

    A method that draws from groups gets ``batch_size`` of each; an epoch is ``epoch_samples`` of them, or as many as
    the largest group has.

    Raises:
        InputError: If there is no such sample, or a group is missing.
    """
    draws = method.draws(samples, config.batch_size)
    if draws is not None:
        return _group_loader(config, samples, draws, trainer)
    chosen = method.usable(samples).nonzero().flatten()
    if not len(chosen):
        raise InputError("no training slice has a label this method can use; label some, or prepare the dataset again")
    sampler = EpochSampler(
        chosen,
        seed=config.seed,
        length=config.epoch_samples,
        weights=draw_weights(config.draw, samples, chosen),
        pair=_tagged_lesion(samples, chosen) if config.draw == "tags" else None,
        rank=trainer.global_rank,
        world_size=trainer.world_size,
    )
    return BatchLoader(samples, sampler, max(config.batch_size // trainer.world_size, 1))


def _group_loader(config: Config, samples: SliceSamples, draws: list[Draw], trainer: Trainer) -> GroupLoader:
    if trainer.world_size > 1:
        raise InputError(f"method {config.method!r} is trained by one process; leave --devices out")
    largest = max(len(draw.chosen) for draw in draws)
    steps = max((config.epoch_samples or largest) // config.batch_size, 1)
    return GroupLoader(samples, GroupSampler(draws, steps=steps, seed=config.seed))


def draw_weights(draw: str, samples: SliceSamples, chosen: Tensor) -> Tensor | None:
    """How often each slice is drawn: all alike, or 1 over the number of slices of its group.

    Args:
        draw: As in a recipe.
        samples: The slices.
        chosen: Numbers of those to draw from.
    """
    if draw in ("slices", "tags"):
        return None
    groups = {
        "cases": lambda: samples.tensors["case"],
        "datasets": lambda: samples.datasets[samples.tensors["case"]],
        "halves": lambda: samples.labeled.long(),
        "lesions": lambda: (samples.tensors["target"] == 1).flatten(1).any(dim=1).long(),
    }
    group = groups[draw]()[chosen]
    return 1 / torch.bincount(group)[group]


def _tagged_lesion(samples: SliceSamples, chosen: Tensor) -> Tensor:
    """Which of the chosen slices are tagged "lesion"; there must be some, and some that are tagged "no lesion"."""
    tags = samples.tensors["tag"][chosen]
    if set(tags.tolist()) != {0, 1}:
        raise InputError("draw: tags needs slices tagged 'lesion' and slices tagged 'no lesion' to draw from")
    return tags == 1


@contextmanager
def _device_errors(device: str, devices: int) -> Iterator[None]:
    try:
        yield
    except (MisconfigurationException, ValueError) as error:
        many, fewer = (f" with --devices {devices}", ", or fewer of them") if devices > 1 else ("", "")
        raise InputError(f"--device {device!r}{many} cannot be used here; choose cpu or auto{fewer}") from error


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep back Lightning's hints about loader workers and devices: they say nothing to our users."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield
