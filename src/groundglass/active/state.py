"""What an active-learning run has come to, in one file that is replaced after each cycle."""

from __future__ import annotations

import json
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import torch

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import read_checkpoint
from groundglass.experiments.config import Config

CHECKPOINT = Path("checkpoints") / "last.ckpt"


@dataclass(frozen=True)
class Cycle:
    """What one cycle came to.

    Args:
        cycle: Its number, from 0.
        seconds: Annotation time spent before it was trained.
        answers: Regions answered before it was trained.
        lesion_answers: How many of them had lesion.
        epochs: Epochs trained.
        dice_global: Dice of all test pixels, as the model is used: at the threshold chosen on the validation cases.
            ``None`` where no test case has a mask or the Dice is not defined.
        dice_at_half: The same at a threshold of 0.5.
        threshold: The one chosen; 0.5 without validation masks.
        train_seconds: Time it took to train.
        score_seconds: Time it took to score the pool for the questions before it.
    """

    cycle: int
    seconds: float
    answers: int
    lesion_answers: int
    epochs: int
    dice_global: float | None
    dice_at_half: float | None
    threshold: float
    train_seconds: float
    score_seconds: float


@dataclass
class State:
    """All that a run needs to go on as if it had never stopped.

    Random numbers are not in it: every cycle draws from generators seeded with the run's seed and its own number.

    Args:
        identity: What the run was started with; a run is resumed with nothing else.
        asked: Slice and region of every question, in order.
        answers: Number of label events in the store that belong to them.
        seconds: What they cost.
        lesion_answers: How many of them had lesion.
        cycles: One entry a finished training.
        score_seconds: Time it took to score the pool last.
        finished: Why there is nothing more to do; empty if there is.
    """

    identity: dict[str, Any]
    asked: list[tuple[int, int]] = field(default_factory=list)
    answers: int = 0
    seconds: float = 0.0
    lesion_answers: int = 0
    cycles: list[Cycle] = field(default_factory=list)
    score_seconds: float = 0.0
    finished: str = ""

    def save(self, output: Path, weights: dict[str, torch.Tensor], config: Config) -> None:
        """Write it with the weights, as a checkpoint that ``groundglass predict`` takes too."""
        content = {"state_dict": weights, "hyper_parameters": {"config": config.to_dict()}, "active": asdict(self)}
        AtomicCheckpointIO().save_checkpoint(content, output / CHECKPOINT)


def load_state(output: Path, identity: dict[str, Any], *, resume: bool) -> tuple[State, dict[str, torch.Tensor] | None]:
    """The state a run begins with or goes on from, and its weights if it has any.

    Raises:
        InputError: If there is a run already and it is not to be resumed, it was started with something else, or
            its file is damaged.
    """
    path = output / CHECKPOINT
    if not path.exists():
        if (output / "labels.jsonl").exists() and not resume:
            raise InputError(f"{output}: there are answers already; go on by --resume, or choose another --output")
        return State(identity), None
    if not resume:
        raise InputError(f"{output}: there is a run already; go on with it by --resume, or choose another --output")
    content = read_checkpoint(path)
    if not isinstance(content.get("active"), dict):
        raise InputError(f"{path}: not of an active-learning run; choose another --output")
    record = content["active"]
    cycles = [Cycle(**cycle) for cycle in record["cycles"]]
    state = State(**{**record, "cycles": cycles, "asked": [tuple(pair) for pair in record["asked"]]})
    _check_identity(output, state.identity, identity)
    return state, content["state_dict"]


def _check_identity(output: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for key, value in json.loads(json.dumps(now)).items():
        if json.loads(json.dumps(before.get(key))) != value:
            raise InputError(
                f"{output}: {key} is not what this run was started with; resume it unchanged or start another"
            )
