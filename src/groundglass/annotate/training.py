"""Train now: a run in the background on what has been clicked so far."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from groundglass.annotate.plain import prepare_plain
from groundglass.annotate.runs import PREFIX
from groundglass.annotate.runs import next_number
from groundglass.annotate.source import Source
from groundglass.annotate.training_errors import why
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.errors import InputError
from groundglass.experiments.recipe import find_recipe
from groundglass.experiments.recipe import load_recipe
from groundglass.methods import METHODS
from groundglass.training.history import read_history

logger = logging.getLogger(__name__)

STOPPABLE = ("preparing", "training")
STOPPED = "was stopped; the model is the one before, and all answers are kept"
COPYING_ENDED = (
    "the copying of the scans into a dataset was ended before it was done, perhaps for want of memory; see the "
    "terminal, and train again"
)


class Training:
    """Runs ``groundglass train`` on the dataset, one at a time, at low priority.

    Args:
        source: The dataset; a plain folder is copied into one first.
        recipe: What to train: the name of a recipe or a YAML file.
        finished: Called with the run folder when a run is done, from another thread.

    Raises:
        InputError: If there is no such recipe.
    """

    def __init__(self, source: Source, recipe: str, finished: Callable[[Path], None]) -> None:
        self.source = source
        self.recipe = find_recipe(recipe)
        self._config = load_recipe(recipe)
        self.epochs = self._config.epochs
        self.finished = finished
        self.state = "idle"
        self.message = ""
        self.run: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._copying: BaseProcess | None = None
        self._lock = threading.Lock()

    def kinds(self) -> tuple[str, ...]:
        """Kinds of labels that the recipe learns from. None if there is no such method."""
        if self._config.labels:
            return tuple(self._config.labels)
        try:
            return tuple(METHODS.get(self._config.method).uses)
        except InputError:
            return ()

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.source.work / "runs"

    def start(self) -> None:
        """Begin a run.

        Raises:
            InputError: If one is going on.
        """
        with self._lock:
            if self.state in (*STOPPABLE, "stopping"):
                raise InputError("a training is going on already; wait until it is done, or stop it")
            self._process = self._copying = None
            self.run = self.runs / f"{PREFIX}{next_number(self.runs)}"
            self.state, self.message = "preparing", ""
        threading.Thread(target=self._work, args=(self.run,), daemon=True).start()

    def stop(self) -> None:
        """End a run that is going on, if there is one; its folder stays, for ``groundglass train --resume``."""
        with self._lock:
            if self.state not in STOPPABLE:
                return
            self.state = "stopping"
            if self._copying is not None and self._copying.is_alive():
                self._copying.terminate()
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def status(self) -> dict[str, Any]:
        """``state``, ``epoch`` of ``epochs``, ``dice``, ``message`` and ``run``.

        The state is idle, preparing, training, stopping, or what became of it: finished, stopped or failed.
        """
        rows = read_history(self.run / "history.csv") if self.run else []
        dices = [row["val_dice_global"] for row in rows if row.get("val_dice_global")]
        return {
            "state": self.state,
            "epoch": len(rows),
            "epochs": self.epochs,
            "dice": float(dices[-1]) if dices else None,
            "message": self.message,
            "run": self.run.name if self.run else None,
        }

    def _work(self, run: Path) -> None:
        """Whatever happens, it ends as finished, stopped or failed: else there could be no further training."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            if not self.source.is_prepared:
                self._prepare()
            self._train(run)
            self.finished(run)
            self.message, self.state = "", "finished"
        except InputError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(f"the training could not be started ({error.strerror}); try again")
        except Exception:  # the end of a thread: otherwise the page would say "training" for ever
            logger.exception("the training of %s failed", run)
            self._fail("the training failed for a reason that was not foreseen; see the terminal, and train again")

    def _fail(self, message: str) -> None:
        with self._lock:
            if self.state == "stopping" and self.run is not None:
                self.message, self.state = f"{self.run.name} {STOPPED}", "stopped"
            else:
                self.message, self.state = message, "failed"

    @contextmanager
    def _unless_stopped(self) -> Iterator[None]:
        """Something is begun in the block, which stopping then knows of; nothing, if it was stopped before."""
        with self._lock:
            if self.state == "stopping":
                raise InputError(STOPPED)
            yield

    def _prepare(self) -> None:
        """Copy a plain folder in another process, which leaves this one free for clicks."""
        context = multiprocessing.get_context("spawn")
        hear, say = context.Pipe(duplex=False)
        given = (self.source.path, self.source.work, self.source.intensity)
        with self.source.being_prepared(), hear:
            with self._unless_stopped():
                self._copying = context.Process(target=_prepare_and_say, args=(say, *given), daemon=True)
                self._copying.start()
            say.close()  # the other process has its own end: when it is gone, nothing more can be heard
            try:
                wrong = hear.recv()
            except EOFError:
                wrong = COPYING_ENDED
            self._copying.join()
            if wrong:
                raise InputError(wrong)

    def _train(self, run: Path) -> None:
        command = [sys.executable, "-m", "groundglass", "train", str(self.source.work), "-o", str(run)]
        command += ["--recipe", str(self.recipe), "--quiet"]
        if nice := shutil.which("nice"):
            command = [nice, "-n", "10", *command]
        log = run.with_suffix(".log")
        with log.open("wb") as file:
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            with self._unless_stopped():
                self._process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
                self.state = "training"
        if code := self._process.wait():
            raise InputError(why(log, code))


def _prepare_and_say(say: Connection, path: Path, work: Path, intensity: StatedIntensity | None) -> None:
    """Copy a plain folder, and say what is wrong with it; nothing if all is well."""
    try:
        prepare_plain(path, work, intensity)
    except InputError as error:
        say.send(str(error))
    else:
        say.send("")
