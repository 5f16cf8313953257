"""Train now: a run in the background on what has been clicked so far."""

from __future__ import annotations

import csv
import logging
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from groundglass.annotate.plain import prepare_plain
from groundglass.annotate.source import Source
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.errors import InputError
from groundglass.experiments.recipe import find_recipe
from groundglass.experiments.recipe import load_recipe
from groundglass.methods import METHODS

logger = logging.getLogger(__name__)

PREFIX = "annotate-"
SENTENCE = "groundglass: "

LACKING = re.compile(r"needs labels of kind (.+) and the training cases have none")
"""What a run says without labels, before it goes on about masks."""

NOTHING_ANSWERED = "nothing has been answered yet in a training case that this recipe can learn from"
CLICKS = {
    "point": "click a lesion (left) or background (right)",
    "region": "press N where there is nothing",
    "slice_tag": "tag slices",
    "scan_tag": "tag scans as healthy or diseased",
}
"""How labels of each kind are given on the page."""

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
            if self.state in ("preparing", "training"):
                raise InputError("a training is going on already; wait until it is done")
            self.run = self.runs / f"{PREFIX}{next_number(self.runs)}"
            self.state, self.message = "preparing", ""
        threading.Thread(target=self._work, args=(self.run,), daemon=True).start()

    def stop(self) -> None:
        """End a run that is going on; it can be resumed with ``groundglass train --resume``."""
        if self._copying is not None and self._copying.is_alive():
            self._copying.terminate()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def status(self) -> dict[str, Any]:
        """``state`` (idle, preparing, training, finished or failed), ``epoch`` of ``epochs``, ``message``, ``run``."""
        rows = read_rows(self.run) if self.run else []
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
        """Whatever happens, it ends as finished or failed: anything else would stop all further trainings."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            if not self.source.is_prepared:
                self._prepare()
            self.state = "training"
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
        self.message, self.state = message, "failed"

    def _prepare(self) -> None:
        """Copy a plain folder in another process, which leaves this one free for clicks."""
        context = multiprocessing.get_context("spawn")
        hear, say = context.Pipe(duplex=False)
        given = (self.source.path, self.source.work, self.source.intensity)
        with self.source.being_prepared(), hear:
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
            self._process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
        if code := self._process.wait():
            raise InputError(_why(log, code))


def _prepare_and_say(say: Connection, path: Path, work: Path, intensity: StatedIntensity | None) -> None:
    """Copy a plain folder, and say what is wrong with it; nothing if all is well."""
    try:
        prepare_plain(path, work, intensity)
    except InputError as error:
        say.send(str(error))
    else:
        say.send("")


def _why(log: Path, code: int) -> str:
    """The sentence with which a run gave up, in words for somebody who clicks."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    said = [line.removeprefix(SENTENCE) for line in lines if line.startswith(SENTENCE)]
    if not said or code != 2:
        return f"the training ended with code {code}; see {log.name} beside the runs"
    lacking = LACKING.search(said[-1])
    return said[-1] if lacking is None else _what_to_click(lacking[1])


def _what_to_click(kinds: str) -> str:
    ways = [way for kind, way in CLICKS.items() if kind in kinds.split(" or ")]
    if not ways:
        return "this recipe learns from drawn masks, which are not made here; start the annotator with another --recipe"
    return f"{NOTHING_ANSWERED}: {', or '.join(ways)}, and train again"


def next_number(runs: Path) -> int:
    """The number of the next run of a folder."""
    return 1 + max(map(run_number, runs.glob(f"{PREFIX}*")), default=0)


def run_number(run: Path) -> int:
    """The number in a run's name, 0 if it has none."""
    digits = run.name.removeprefix(PREFIX).removesuffix(".log")
    return int(digits) if digits.isdecimal() else 0


def finished_runs(runs: Path) -> list[Path]:
    """Runs with a result, in the order they were started."""
    found = [run for run in runs.glob(f"{PREFIX}*") if run_number(run) and (run / "result.json").is_file()]
    return sorted(found, key=run_number)


def read_rows(run: Path) -> list[dict[str, str]]:
    """Rows of a run's ``history.csv``; none while there is no such file."""
    try:
        with (run / "history.csv").open(newline="") as file:
            return list(csv.DictReader(file))
    except (FileNotFoundError, NotADirectoryError):
        return []
