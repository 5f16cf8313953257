"""The cycle of paper 001: train, score the pool, ask, and again until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from lightning import seed_everything

from groundglass.active.acquisition import ACQUISITIONS
from groundglass.active.acquisition import Acquisition
from groundglass.active.answers import Answers
from groundglass.active.fit import fit
from groundglass.active.identity import identity
from groundglass.active.mc_dropout import check_dropout
from groundglass.active.oracle import Oracle
from groundglass.active.pool import Pool
from groundglass.active.questions import Open
from groundglass.active.questions import first_questions
from groundglass.active.questions import next_questions
from groundglass.active.questions import open_regions
from groundglass.active.regions import Regions
from groundglass.active.scoring import HeldOut
from groundglass.active.selection import Asked
from groundglass.active.settings import ActiveSettings
from groundglass.active.state import Cycle
from groundglass.active.state import State
from groundglass.active.state import copied
from groundglass.active.state import load_state
from groundglass.active.state import save_state
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.experiments.device import on_device
from groundglass.experiments.precision import multiplying
from groundglass.methods.method import Method
from groundglass.training.allocator import keep_freed_memory

OnCycle = Callable[[State], None]

BUDGET_SPENT = "the budget is spent"


class ActiveLearning:
    """One run, from its first question or from where it stopped.

    Args:
        folder: A dataset whose training cases have masks, which answer in an annotator's place.
        output: The run folder: ``labels.jsonl`` (every answer), ``checkpoints/last.ckpt`` (state and weights).
        settings: What is asked and when to stop.
        config: The recipe that is trained in each cycle; its seed is replaced by that of ``settings``.
        resume: Go on with the run in ``output``; the curve comes out as if it had never stopped. The budget and the
            number of cycles may be higher than before; it comes out as if they had been from the start.
        device: Where to train, for instance ``cpu`` or ``cuda``.

    Raises:
        InputError: If a setting makes no sense, the dataset lacks masks, or the run folder is of another run or lacks
            answers.
    """

    def __init__(
        self,
        folder: DatasetFolder,
        output: Path,
        settings: ActiveSettings,
        config: Config,
        *,
        resume: bool = False,
        device: str = "cpu",
    ) -> None:
        keep_freed_memory()
        self.output = output
        self.settings = settings
        self.config = Config.from_dict({**config.to_dict(), "seed": settings.seed})
        if self.config.grid.depth is not None:
            raise InputError("recipe: active learning asks about slices; take grid.depth out")
        self.acquisition: Acquisition = ACQUISITIONS.build(settings.acquisition, {})
        self.device = device
        self.method = self._fresh_method()
        if self.acquisition.uses_draws:
            check_dropout(self.method)
        regions = Regions.of(self.config.grid.size, settings.regions, settings.remainder)
        identified = identity(folder, settings, self.config)
        self.state, weights, self._uncut = load_state(output, identified, resume=resume)
        self.pool = Pool(folder, folder.split.training, self.config.grid, regions, grow=self.config.grow)
        self.oracle = Oracle(self.pool, answer=settings.answer, rule=settings.rule, cost=settings.cost)
        self.answers = Answers(output / "labels.jsonl")
        self.held_out = HeldOut(folder, self.config)
        self.pool.add(self.answers.first(self.state.answers))
        if weights is not None:
            self.method.load_state_dict(weights)

    @property
    def full_seconds(self) -> float:
        """What it would cost to draw every slice of the pool."""
        return self.settings.cost.slice_mask * len(self.pool)

    def run(self, on_cycle: OnCycle | None = None) -> State:
        """Ask and train until the budget is spent, the pool exhausted, or the last cycle done.

        Args:
            on_cycle: Called after each training.

        Raises:
            InputError: If the run folder cannot be made or written to, or the budget does not pay for one answer.
        """
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.output}: the run folder cannot be made ({error.strerror}); choose another --output"
            ) from error
        self.answers.keep(self.state.answers)
        while not self.state.finished:
            if self.state.asked and not self.state.is_trained:
                self._train()
                if on_cycle is not None:
                    on_cycle(self.state)
            self._ask_on()
            self._save()
        return self.state

    def _ask_on(self) -> None:
        """Ask the next questions, the first ones too, or find out why there are none."""
        if not self.state.asked:
            self._ask(first_questions(self.pool, self._open(), self.settings))
            if not self.state.asked:
                raise InputError(
                    f"a budget of {self.settings.budget_seconds:g} s does not pay for one answer; raise it"
                )
        elif len(self.state.cycles) == self.settings.max_cycles:
            self.state.finished = "the last cycle is done"
        elif not self._open().any():
            self.state.finished = "every region has been asked"
        elif self.oracle.cheapest > self.settings.budget_seconds - self.state.seconds:
            self.state.finished = BUDGET_SPENT
        else:
            self._ask(self._next_questions())

    def _fresh_method(self) -> Method:
        seed_everything(self.config.seed, verbose=False)
        return on_device(build_method(self.config), self.device)

    def _train(self) -> None:
        number = len(self.state.cycles)
        if number and not self.settings.warm_start:
            self.method = self._fresh_method()
        started = time.perf_counter()
        epochs = fit(self.method, self.pool.samples, self.config, self.held_out.validation, cycle=number)
        train_seconds = time.perf_counter() - started
        dice, at_threshold, threshold = self.held_out.score(self.method)
        self.state.cycles.append(
            Cycle(
                cycle=number,
                seconds=round(self.state.seconds, 3),
                answers=len(self.state.asked),
                lesion_answers=self.state.lesion_answers,
                epochs=epochs,
                dice_global=dice,
                dice_global_at_threshold=at_threshold,
                threshold=threshold,
                train_seconds=round(train_seconds, 2),
                score_seconds=round(self.state.score_seconds, 2),
            )
        )

    def _ask(self, questions: Sequence[Asked]) -> None:
        """Ask until an answer cannot be paid for; the run ends if that is the first."""
        before, bought = self.state.marked(), []
        for image, region in questions:
            labels = self.oracle.ask(image, region)
            cost = sum(label.seconds for label in labels)
            if self.state.seconds + cost > self.settings.budget_seconds + 1e-9:
                break
            self.state.seconds += cost
            self.state.asked.append((image, region))
            self.state.lesion_answers += bool(self.pool.masks[image][self.pool.regions.box(region)].any())
            bought += labels
        if not bought:
            self.state.finished = BUDGET_SPENT
            return
        if len(self.state.asked) < before["asked"] + len(questions) and self.state.uncut is None:
            self.state.uncut, self._uncut = before, copied(self.method.state_dict())
        self.answers.add(bought)
        self.state.answers += len(bought)
        self.pool.add(bought)

    def _open(self) -> Open:
        return open_regions(self.pool, self.state.asked, self.settings)

    def _next_questions(self) -> list[Asked]:
        started = time.perf_counter()
        with multiplying(self.config, self.method.device):
            questions = next_questions(
                self.method, self.pool, self._open(), self.acquisition, self.settings, cycle=len(self.state.cycles)
            )
        self.state.score_seconds = time.perf_counter() - started
        return questions

    def _save(self) -> None:
        save_state(self.state, self.output, self.config, self.method.state_dict(), self._uncut)
