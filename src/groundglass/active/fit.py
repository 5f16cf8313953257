"""The training within a cycle.

A run folder for each of a hundred cycles would read every image from disk a hundred times, and write a checkpoint
each epoch: longer than the training itself, which has a few dozen slices. So the slices stay in memory and a plain
loop takes the place of Lightning's; loss, augmentation, order of slices, precision and seeds are those of
``groundglass train``.
"""

from __future__ import annotations

import math
import random

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from groundglass.datasets.loader import BatchLoader
from groundglass.datasets.loader import EpochSampler
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.experiments.precision import multiplying
from groundglass.methods.method import Method
from groundglass.methods.optimizer import adam
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import validate
from groundglass.training.divergence import check_weights
from groundglass.training.trainer import draw_weights


def fit(method: Method, samples: SliceSamples, config: Config, validation: list[Pair], *, cycle: int = 0) -> int:
    """Train until the validation score has not risen for ``config.patience`` epochs, or for ``config.epochs``.

    The best weights on validation are left in ``method``; without validation cases, the last. A recipe that keeps the
    last (``select``) and stops at no sign (``patience`` as long as ``epochs``) spends no time on validation.

    Args:
        method: What is trained, from the weights it has.
        samples: The slices with the answers so far.
        config: The recipe.
        validation: Validation cases with masks, if any.
        cycle: Number of the cycle: another one draws other numbers.

    Returns:
        Number of epochs trained.

    Raises:
        InputError: If there is no slice to train on, or training diverges.
    """
    loader = _loader(method, samples, config)
    optimizer = adam(method.parameters(), config.settings)
    steps = max(len(loader) * config.epochs, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(1 - step / steps, 0.0) ** config.settings.power
    )
    average = _average(method, config.settings.average)
    best, best_epoch, kept = -math.inf, 0, None
    if config.select == "last" and config.patience >= config.epochs:
        validation = []
    for epoch in range(config.epochs):
        _seed(config.seed, cycle * config.epochs + epoch)
        loader.sampler.set_epoch(cycle * config.epochs + epoch)
        _train_epoch(method, loader, optimizer, schedule, average, multiplying(config, method.device))
        if not validation or ((epoch + 1) % config.validate_every and epoch + 1 < config.epochs):
            continue
        score = _validation_score(method, config, validation, average)
        if score > best:
            best, best_epoch, kept = score, epoch, _weights(method, average)
        if epoch - best_epoch >= config.patience:
            break
    if kept is None or config.select == "last":
        kept = _weights(method, average)
    method.network.load_state_dict(kept)
    return epoch + 1


def _loader(method: Method, samples: SliceSamples, config: Config) -> BatchLoader:
    chosen = method.usable(samples).nonzero().flatten()
    if not len(chosen):
        raise InputError("no answer so far has a label this method can use; ask more at the start")
    weights = draw_weights(config.draw, samples, chosen)
    sampler = EpochSampler(chosen, seed=config.seed, length=config.epoch_samples, weights=weights)
    return BatchLoader(samples, sampler, config.batch_size)


def _average(method: Method, decay: float) -> AveragedModel | None:
    """The running mean of the weights, if the recipe wants it."""
    if decay == 0:
        return None

    def mean(before: Tensor, now: Tensor, _: Tensor | int) -> Tensor:
        return decay * before + (1 - decay) * now

    return AveragedModel(method.network, avg_fn=mean, use_buffers=True)


def _train_epoch(
    method: Method,
    loader: BatchLoader,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    average: AveragedModel | None,
    precision: torch.autocast,
) -> None:
    method.train()
    for batch in loader:
        with precision:
            loss = method.step_loss({key: value.to(method.device) for key, value in batch.items()})["loss"]
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if average is not None:
            average.update_parameters(method.network)
    check_weights(method, "in this cycle", float(loss.detach()), "the answers are kept")


def _validation_score(method: Method, config: Config, validation: list[Pair], average: AveragedModel | None) -> float:
    """The score that ``config.monitor`` names, 0 where it is not defined, of the weights that would be kept."""
    trained = method.network
    method.network = trained if average is None else average.module
    scores = validate(Predictor(method, config.grid, batch_size=config.batch_size), validation, config.monitor)
    method.network = trained
    score = scores[MONITORS[config.monitor]]
    return 0.0 if math.isnan(score) else score


def _weights(method: Method, average: AveragedModel | None) -> dict[str, Tensor]:
    network = method.network if average is None else average.module
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def _seed(seed: int, epoch: int) -> None:
    """As :class:`groundglass.training.callbacks.SeedEpochs` does."""
    number = (seed * 1_000_003 + epoch) * 64
    torch.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)
