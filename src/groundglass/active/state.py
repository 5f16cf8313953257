"""What an active-learning run has come to, in one file that is replaced after each cycle."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from groundglass.active.identity import BUDGET
from groundglass.active.identity import raised_limits
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import read_checkpoint
from groundglass.experiments.config import Config

CHECKPOINT = Path("checkpoints") / "last.ckpt"
COUNTS = ("answers", "seconds", "lesion_answers", "score_seconds")

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Cycle:
    """What one cycle came to.

    Args:
        cycle: Its number, from 0.
        seconds: Annotation time spent before it was trained.
        answers: Regions answered before it was trained.
        lesion_answers: How many of them had lesion.
        epochs: Epochs trained.
        dice_global: Dice of all test pixels at a threshold of 0.5. ``None`` where no test case has a mask or the Dice
            is not defined.
        dice_global_at_threshold: The same as the model is used: at the threshold chosen on the validation cases.
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
    dice_global_at_threshold: float | None
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
        uncut: What it had come to before the first questions whose answers were not all bought, for want of budget; a
            larger budget goes on from there. ``None`` if there were none.
    """

    identity: dict[str, Any]
    asked: list[tuple[int, int]] = field(default_factory=list)
    answers: int = 0
    seconds: float = 0.0
    lesion_answers: int = 0
    cycles: list[Cycle] = field(default_factory=list)
    score_seconds: float = 0.0
    finished: str = ""
    uncut: dict[str, Any] | None = None

    @property
    def is_trained(self) -> bool:
        """Whether the last training had all answers so far."""
        return bool(self.cycles) and self.cycles[-1].answers == len(self.asked)

    def marked(self) -> dict[str, Any]:
        """What :meth:`go_back` needs to come back to where the run is now."""
        lengths = {"asked": len(self.asked), "cycles": len(self.cycles)}
        return {**lengths, "counts": {name: getattr(self, name) for name in COUNTS}}

    def go_back(self, mark: dict[str, Any]) -> None:
        """Forget everything since a mark."""
        del self.asked[mark["asked"] :], self.cycles[mark["cycles"] :]
        for name, value in mark["counts"].items():
            setattr(self, name, value)


def save_state(state: State, output: Path, config: Config, weights: Weights, uncut: Weights | None) -> None:
    """Write it with the weights, as a checkpoint that ``groundglass predict`` takes too.

    Args:
        state: What the run has come to.
        output: The run folder.
        config: What is trained.
        weights: Of the current model.
        uncut: Of the model before the questions that ``state.uncut`` is about.
    """
    content = {"state_dict": weights, "hyper_parameters": {"config": config.to_dict()}, "active": asdict(state)}
    if uncut is not None:
        content["uncut"] = uncut
    AtomicCheckpointIO().save_checkpoint(content, output / CHECKPOINT)


def load_state(output: Path, identity: dict[str, Any], *, resume: bool) -> tuple[State, Weights | None, Weights | None]:
    """The state a run begins with or goes on from, and the weights of :func:`save_state` if it has any.

    A larger limit than before takes a run up again where the smaller one changed its course.

    Raises:
        InputError: If there is a run already and it is not to be resumed, it was started with something else, or
            its file is damaged.
    """
    path = output / CHECKPOINT
    if not path.exists():
        if (output / "labels.jsonl").exists() and not resume:
            raise InputError(f"{output}: there are answers already; go on by --resume, or choose another --output")
        return State(identity), None, None
    if not resume:
        raise InputError(f"{output}: there is a run already; go on with it by --resume, or choose another --output")
    content = read_checkpoint(path)
    if not isinstance(content.get("active"), dict):
        raise InputError(f"{path}: not of an active-learning run; choose another --output")
    record = content["active"]
    if any(set(cycle) != {one.name for one in fields(Cycle)} for cycle in record["cycles"]):
        raise InputError(f"{output}: begun by an earlier version, which wrote down other figures; start another run")
    cycles = [Cycle(**cycle) for cycle in record["cycles"]]
    state = State(**{**record, "cycles": cycles, "asked": [tuple(pair) for pair in record["asked"]]})
    raised = raised_limits(output, state.identity, identity)
    if raised and "uncut" not in record:
        raise InputError(f"{output}: begun by an earlier version, so its limits stay as they are; start another run")
    weights, uncut = content["state_dict"], content.get("uncut")
    if raised:
        state.identity, state.finished = identity, ""
    if BUDGET in raised and state.uncut is not None:
        state.go_back(state.uncut)
        state.uncut, weights, uncut = None, uncut, None
    return state, weights, uncut


def copied(weights: Weights) -> Weights:
    """Weights as they are now, whatever is trained afterwards."""
    return {name: value.detach().cpu().clone() for name, value in weights.items()}
