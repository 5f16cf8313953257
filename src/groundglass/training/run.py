"""A training run: from a dataset and a recipe to a run folder."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import seed_everything
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.load import load_samples
from groundglass.datasets.progress import Progress
from groundglass.datasets.progress import waiting_bars
from groundglass.datasets.tags import contradiction_sentence
from groundglass.datasets.tags import training_contradictions
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.checkpoint import set_threshold
from groundglass.experiments.config import Config
from groundglass.files import remove_leftovers
from groundglass.labels.events import Label
from groundglass.methods.method import Method
from groundglass.methods.stages import TwoStages
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import has_masks
from groundglass.prediction.validation import validation_pairs
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.batch_norm import saying_small_batches
from groundglass.training.interruption import ending_on_signals
from groundglass.training.record import check_run_folder
from groundglass.training.record import run_record
from groundglass.training.record import write_run_record
from groundglass.training.result import finish_run
from groundglass.training.start_from import start_from
from groundglass.training.threshold import trained_threshold
from groundglass.training.trainer import build_loader
from groundglass.training.trainer import build_trainer
from groundglass.training.trainer import quiet_lightning

logger = logging.getLogger(__name__)
FEW_STEPS = 100

PREPARED_AS = {
    "point": "points",
    "region": "points",
    "mask": "masks",
    "slice_tag": "slice-tags",
    "scan_tag": "scan-tags",
}
"""Kinds of label events as ``groundglass prepare --labels`` calls them."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: ``config.yaml``, ``history.csv``, ``checkpoints/``, ``figures/`` and ``result.json``.
        method: The trained method, best on validation.
        config: The recipe.
        result: The content of ``result.json``; empty in all but the first of several processes.
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
    start: str | Path | None = None,
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
        start: ``shipped``, a run folder or a checkpoint file from whose weights the network starts, in place of those
            the recipe names.
        quiet: Show no progress.
        console: Where to show progress.

    Raises:
        InputError: If the dataset lacks the labels the method needs, the run folder exists (without ``resume``) or is
            of another recipe or other labels (with it), ``start`` has another network, a file is damaged, there is no
            such device, a batch is too small for batch normalization, or the training diverges.
    """
    keep_freed_memory()
    output = Path(output)
    method = _seeded_method(config, start)
    folder = DatasetFolder.open(data)
    kinds = config.labels or list(method.uses)
    labels = _labels(folder, kinds, config)
    if found := training_contradictions(folder, labels):
        logger.warning("%s: %s", folder.root, contradiction_sentence(found))
    record = run_record(config, folder, labels, start)
    # One process of several speaks for all.
    shown = None if quiet or getattr(rank_zero_only, "rank", False) else console or Console()
    with waiting_bars(shown) as bar:
        read = bar("reading training cases")
        samples = load_samples(folder, folder.split.training, config.grid, kinds=kinds, grow=config.grow, progress=read)
        validation = validation_pairs(folder, config, progress=bar("reading validation cases"))
    trainer = build_trainer(
        config,
        output,
        method,
        validation,
        device=device,
        devices=devices,
        console=shown,
    )
    loader = build_loader(config, method, samples, trainer)
    _say_few_steps(config, method, len(loader))
    last = output / "checkpoints" / "last.ckpt"
    if trainer.is_global_zero:  # the other processes would find the run that this one begins
        check_run_folder(output, record, resume=resume)
        for written in (output, last.parent, output / "figures"):
            remove_leftovers(written)
        write_run_record(output, record)
    started = time.process_time()
    with quiet_lightning(), ending_on_signals(trainer), saying_small_batches(config):
        trainer.fit(method, loader, ckpt_path=str(last) if resume and last.exists() else None)
    cpu_seconds = time.process_time() - started
    if not trainer.is_global_zero:  # one process writes the results of all
        return Run(output, method, config, {})
    with waiting_bars(shown) as bar:
        kept = output if config.select == "best" and validation else last
        chosen = _choose(kept, validation, folder, bar("choosing the threshold"))
        scored = bar("scoring test cases")
        result = finish_run(chosen, config, folder, output, labels=labels, cpu_seconds=cpu_seconds, progress=scored)
    return Run(output, chosen, config, result)


def _say_few_steps(config: Config, method: Method, each: int) -> None:
    """Recipes count in epochs, which are short where there are few slices."""
    before = method.stage1_epochs if isinstance(method, TwoStages) else 0
    steps = each * (config.epochs - before)
    if 0 < steps < FEW_STEPS:  # a method without any says itself what is wrong
        stage = " in its second stage" if before else ""
        enough = before + math.ceil(2 * FEW_STEPS / each)
        each_step = "step" if steps == 1 else "steps"
        logger.warning("only %d %s%s: that is little to learn in; try --epochs %d", steps, each_step, stage, enough)


def _labels(folder: DatasetFolder, kinds: Sequence[str], config: Config) -> list[Label]:
    """Events of the training cases the run may use: nothing else costs annotation time or is trained on."""
    if unknown := sorted(set(kinds) - set(PREPARED_AS)):
        raise InputError(f"recipe: there are no labels of kind {unknown[0]!r}; choose from {', '.join(PREPARED_AS)}")
    by_case = folder.labels(kinds)
    names = dict.fromkeys(case.case for case in folder.split.training)
    labels = [label for name in names for label in by_case.get(name, [])]
    if not labels:
        raise InputError(
            f"{folder.root}: method {config.method!r} needs labels of kind {' or '.join(kinds)} and the training cases "
            f"have none; {_ways_to_label(folder, kinds)}"
        )
    return labels


def _ways_to_label(folder: DatasetFolder, kinds: Sequence[str]) -> str:
    if has_masks(folder.split.training):
        return f"make them from masks with 'groundglass prepare {folder.root} --labels {PREPARED_AS[kinds[0]]}'"
    if list(kinds) == ["mask"]:  # masks are not drawn in the annotator
        return "nor have they masks, so prepare the images together with masks"
    return f"nor have they masks to make them from, so give them with 'groundglass annotate {folder.root}'"


def _seeded_method(config: Config, start: str | Path | None) -> Method:
    seed_everything(config.seed, verbose=False)
    method = build_method(config)
    if start is not None:
        start_from(method, start)
    return method


def _choose(checkpoint: Path, validation: list[Pair], folder: DatasetFolder, progress: Progress) -> Method:
    """The trained method with its threshold, which is kept in its checkpoint."""
    method, config = load_method(checkpoint)
    threshold = trained_threshold(method, config, folder, validation, progress=progress)
    method.threshold.fill_(threshold)
    set_threshold(find_checkpoint(checkpoint), threshold)
    return method
