"""A training run: from a dataset and a recipe to a run folder."""

from __future__ import annotations

import json
import logging
import resource
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning import Callback
from lightning import Trainer
from lightning import seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint
from rich.console import Console

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.loader import BatchLoader
from groundglass.datasets.loader import EpochSampler
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.labels.cost import label_seconds
from groundglass.labels.events import KINDS
from groundglass.labels.events import Label
from groundglass.methods.method import Method
from groundglass.predict.evaluate import Pairs
from groundglass.predict.evaluate import evaluate
from groundglass.predict.evaluate import scored_cases
from groundglass.predict.predictor import Predictor
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.callbacks import History
from groundglass.training.callbacks import ProgressLine
from groundglass.training.callbacks import SeedEpochs
from groundglass.training.callbacks import Validate
from groundglass.training.callbacks import read_history
from groundglass.training.checkpoint import AtomicCheckpointIO
from groundglass.training.checkpoint import build_method
from groundglass.training.checkpoint import load_method
from groundglass.training.config import Config
from groundglass.training.figures import learning_curves
from groundglass.training.machine import machine
from groundglass.training.machine import versions

MONITOR = "val_dice_global"
PREPARED_AS = {"point": "points", "region": "points", "mask": "masks", "slice_tag": "slice-tags", "scan_tag": "scan-tags"}


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: ``config.yaml``, ``history.csv``, ``checkpoints/``, ``figures/`` and ``result.json``.
        method: The trained method, best on validation.
        config: The recipe.
        result: The content of ``result.json``.
    """

    folder: Path
    method: Method
    config: Config
    result: dict[str, Any]


def train(
    config: Config,
    data: str | Path,
    output: str | Path,
    *,
    resume: bool = False,
    device: str = "auto",
    devices: int = 1,
    quiet: bool = False,
    console: Console | None = None,
) -> Run:
    """Train a method on a prepared dataset.

    Args:
        config: The recipe.
        data: A folder made by ``groundglass prepare``.
        output: The run folder to make.
        resume: Go on with the run in ``output``; the weights come out as if it had never stopped.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: Number of processes (CPU) or GPUs to train on together.
        quiet: Show no progress.
        console: Where to show progress.

    Raises:
        InputError: If the dataset lacks the labels the method needs, the run folder exists (without ``resume``) or
            is of another recipe (with it), or a file is damaged.
    """
    keep_freed_memory()
    output = Path(output)
    folder = DatasetFolder.open(data)
    method = _seeded_method(config)
    kinds = config.labels or list(method.uses)
    labels = _labels(folder, kinds, config)
    _open_run(output, config, folder, resume=resume)
    samples = SliceSamples(folder, folder.split.training, config.grid, kinds=kinds)
    validation = scored_cases(folder, folder.split.validation)
    trainer = _trainer(config, output, method, validation, device, devices, None if quiet else console or Console())
    loader = _loader(config, method, samples, trainer)
    last = output / "checkpoints" / "last.ckpt"
    started = time.process_time()
    with _quiet_lightning():
        trainer.fit(method, loader, ckpt_path=str(last) if resume and last.exists() else None)
    cpu_seconds = time.process_time() - started
    return _finish(config, folder, output, labels, cpu_seconds)


def _labels(folder: DatasetFolder, kinds: Sequence[str], config: Config) -> list[Label]:
    """Events of the training cases the run may use: nothing else costs annotation time or is trained on."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise InputError(f"recipe: there are no labels of kind {unknown[0]!r}; choose from {', '.join(KINDS)}")
    by_case = folder.labels(kinds)
    names = dict.fromkeys(case.case for case in folder.split.training)
    labels = [label for name in names for label in by_case.get(name, [])]
    if not labels:
        raise InputError(
            f"{folder.root}: method {config.method!r} needs labels of kind {' or '.join(kinds)} and the training cases "
            f"have none; make them from masks with 'groundglass prepare {folder.root} --labels {PREPARED_AS[kinds[0]]}'"
        )
    return labels


def _seeded_method(config: Config) -> Method:
    seed_everything(config.seed, verbose=False)
    return build_method(config)


def _open_run(output: Path, config: Config, folder: DatasetFolder, *, resume: bool) -> None:
    path = output / "config.yaml"
    content = {"data": str(folder.root), "split_hash": folder.split.hash, **config.to_dict()}
    if path.exists():
        if not resume:
            raise InputError(f"{output}: there is a run already; go on with it by --resume, or choose another --output")
        before = yaml.safe_load(path.read_text("utf-8"))
        changed = [key for key in config.to_dict() if _plain(before.get(key)) != _plain(content[key])]
        if changed or before["split_hash"] != content["split_hash"]:
            what = changed[0] if changed else "the dataset's split"
            raise InputError(f"{output}: {what} is not what this run was started with; resume it unchanged or start another")
    write_text(path, yaml.safe_dump(_plain(content), sort_keys=False))


def _plain(value: Any) -> Any:
    """Tuples as lists, as YAML and JSON have them."""
    return json.loads(json.dumps(value))


def _trainer(
    config: Config, output: Path, method: Method, validation: Pairs, device: str, devices: int, console: Console | None
) -> Trainer:
    predictor = Predictor(method, config.grid, batch_size=config.batch_size)
    checkpoints = output / "checkpoints"
    callbacks: list[Callback] = [
        SeedEpochs(config.seed),
        Validate(predictor, validation, config.validate_every),
        History(output / "history.csv"),
        EarlyStopping(MONITOR, mode="max", patience=config.patience, check_on_train_epoch_end=True),
        ModelCheckpoint(
            checkpoints, "best", monitor=MONITOR, mode="max", save_weights_only=True, enable_version_counter=False
        ),
        ModelCheckpoint(checkpoints, "last", enable_version_counter=False),
    ]
    if console is not None:
        callbacks.append(ProgressLine(console, f"{config.method}, {config.network}, seed {config.seed}"))
    with _quiet_lightning():
        return Trainer(
            max_epochs=config.epochs,
            accelerator=device,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            deterministic=True,
            default_root_dir=output,
        )


def _loader(config: Config, method: Method, samples: SliceSamples, trainer: Trainer) -> BatchLoader:
    chosen = method.usable(samples).nonzero().flatten()
    if not len(chosen):
        raise InputError("no training slice has a label this method can use; label some, or prepare the dataset again")
    sampler = EpochSampler(
        chosen,
        seed=config.seed,
        length=config.epoch_samples,
        rank=trainer.global_rank,
        world_size=trainer.world_size,
    )
    return BatchLoader(samples, sampler, max(config.batch_size // trainer.world_size, 1))


class _quiet_lightning(warnings.catch_warnings):  # noqa: N801 - a context manager
    """Lightning's hints about data loader workers and devices say nothing to our users."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.filterwarnings("ignore", module="lightning")
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        return entered


def _finish(config: Config, folder: DatasetFolder, output: Path, labels: list[Label], cpu_seconds: float) -> Run:
    method, _ = load_method(output if config.select == "best" else output / "checkpoints" / "last.ckpt")
    history = read_history(output / "history.csv")
    learning_curves(history, output / "figures" / "learning-curves.png")
    predictor = Predictor(method, config.grid)
    metrics = evaluate(predictor, scored_cases(folder, folder.split.test))
    result = {
        "method": config.method,
        "network": config.network,
        "dataset": folder.name,
        "split_hash": folder.split.hash,
        "seed": config.seed,
        "n_cases": int(metrics.pop("n_cases")),
        "metrics": {key: round(value, 5) for key, value in metrics.items()},
        "label_seconds": label_seconds(labels),
        "train_seconds": round(sum(float(row["seconds"]) for row in history), 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "versions": versions(),
    }
    write_text(output / "result.json", json.dumps(result, indent=1) + "\n")
    return Run(output, method, config, result)
