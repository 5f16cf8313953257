"""Everything behind the page, put together."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import cast

from groundglass.active.regions import Regions
from groundglass.annotate.gain import gains
from groundglass.annotate.guide import Guide
from groundglass.annotate.journal import Journal
from groundglass.annotate.model import CurrentModel
from groundglass.annotate.questions import RandomQuestions
from groundglass.annotate.runs import finished_runs
from groundglass.annotate.scans import OpenScans
from groundglass.annotate.source import Source
from groundglass.annotate.state import Annotation
from groundglass.annotate.training import Training
from groundglass.annotate.uncertain import UncertainQuestions
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.errors import InputError
from groundglass.labels.agreement import agreements
from groundglass.labels.events import NOT_PEOPLE

MOST_ROWS = 32
"""Regions along a side: more, and one would not be seen."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a dataset is annotated.

    Args:
        run: The model to begin with: a run folder or a checkpoint.
        recipe: What "Train now" trains.
        regions: Regions a slice, a perfect square.
        double_read: Share of the regions that everybody is asked.
        seed: Seed of what is asked at random.

    Raises:
        InputError: If a value makes no sense.
    """

    run: str | None = None
    recipe: str = "active"
    regions: int = 64
    double_read: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        Regions.of((MOST_ROWS, MOST_ROWS), self.regions)
        if not 0 <= self.double_read <= 1:
            raise InputError(f"--double-read {self.double_read}: give a share from 0 to 1")


class Annotator:
    """The answers, the questions, the model and its training.

    Args:
        source: What is annotated.
        settings: How.

    Raises:
        InputError: If the label store is damaged, its folder cannot be made, or there is no such run or recipe.
    """

    def __init__(self, source: Source, settings: Settings | None = None) -> None:
        self.source = source
        self.settings = settings = settings or Settings()
        _make(source.work)
        self.model = CurrentModel()
        self.training = Training(source, settings.recipe, self._trained)
        scans = OpenScans(source)
        self.questions = self._questions(scans)
        labels, skipped = Journal(source.work / "labels.jsonl"), Journal(source.work / "skipped.jsonl")
        guide = Guide(
            self.questions,
            scans,
            labels,
            skipped,
            double_read=settings.double_read,
            learned=self.training.kinds,
        )
        self.annotation = Annotation(source, scans, labels, skipped, guide)
        self._is_loading = False
        self._load_first(settings.run)

    def summary(self, annotator: str) -> dict[str, Any]:
        """What the page shows beside the image."""
        labels, skipped = self.annotation.labels, self.annotation.skipped
        labels.refresh()
        own = self.annotation.history.own(annotator)
        runs = ([Path(self.settings.run)] if self.settings.run else []) + finished_runs(self.training.runs)
        gained = gains([run for run in runs if (run / "result.json").is_file()])
        return {
            "answers": len(own),
            "seconds": round(labels.spent(annotator) + skipped.spent(annotator), 1),
            "can_undo": bool(own),
            "can_redo": self.annotation.history.can_redo(annotator),
            "notices": self._notices(),
            "training": self.training.status(),
            "model": {
                "name": self.model.run.name if self.model.run else None,
                "loading": self._is_loading,
                "version": self.model.version,
                "threshold": self.model.threshold,
                "questions_ready": self.questions.ready.is_set(),
            },
            "gain": asdict(gained[-1]) if gained else None,
            "agreement": self.agreement(annotator),
            "cases": self._cases(),
        }

    def agreement(self, annotator: str) -> list[dict[str, Any]]:
        """How far this annotator and each other person agree."""
        annotation = self.annotation
        found = agreements(annotation.labels, annotator, affine=annotation.grids.affine)
        return [{"with": name, **asdict(one)} for name, one in found.items()]

    def warm_up(self, annotator: str) -> None:
        """Begin to read the scan the page will open with, while the browser starts; what is wrong shows there."""
        own = self.annotation.history.own(annotator)
        known = [label.case for label, _ in own if label.case in self.source.images]
        case = known[-1] if known else next(iter(self.source.images))
        threading.Thread(target=self._open_quietly, args=(case,), daemon=True).start()

    def close(self) -> None:
        """End what goes on in the background."""
        self.training.stop()

    def _notices(self) -> list[str]:
        annotation = self.annotation
        kept = annotation.labels.notices + annotation.skipped.notices
        return kept + self.source.notices + annotation.scans.left_out.notices + self.questions.notices

    def _cases(self) -> list[dict[str, Any]]:
        return [
            {"case": image.case, "part": image.part, "answers": self._answered(image.case)}
            for image in self.source.images.values()
        ]

    def _answered(self, case: str) -> int:
        """Answers of people: labels made from masks are nobody's."""
        return sum(label.annotator not in NOT_PEOPLE for label in self.annotation.labels.case(case))

    def _questions(self, scans: OpenScans) -> UncertainQuestions:
        images = [image for image in self.source.images.values() if image.part == "training"]
        at_random = RandomQuestions(scans, images, regions=self.settings.regions, seed=self.settings.seed)
        return UncertainQuestions(self.model, at_random, images)

    def _load_first(self, run: str | None) -> None:
        """The run that was given, else the last one that was trained here; in the background, as torch takes long."""
        if run is not None and not Path(run).exists():
            raise InputError(f"{run}: there is no such run; give a run folder or a .ckpt file")
        runs = [Path(run)] if run else finished_runs(self.training.runs)[-1:]
        if runs:
            self._is_loading = True
            threading.Thread(target=self._load, args=(runs[0],), daemon=True).start()

    def _load(self, run: Path) -> None:
        try:
            self._trained(run)
        except InputError as error:
            self.annotation.labels.notices.append(f"the model could not be loaded: {error}")
        finally:
            self._is_loading = False

    def _open_quietly(self, case: str) -> None:
        with suppress(InputError):
            self.annotation.scans.read(case)

    def _trained(self, run: Path) -> None:
        self.model.load(run)
        self.questions.refresh()


def _make(work: Path) -> None:
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{work}: the folder for the answers cannot be made ({error.strerror}); name another with --work"
        ) from error


def open_annotator(
    path: str | Path,
    *,
    work: str | Path | None = None,
    intensity: str | None = None,
    settings: Settings | None = None,
) -> Annotator:
    """Everything needed to annotate a dataset or a folder.

    Args:
        path: A dataset made by ``groundglass prepare``, or a file or folder of scans.
        work: Where the labels and runs of a plain folder go; by default beside it.
        intensity: ``hu`` or ``display`` for a plain folder whose values do not make it plain.
        settings: How it is annotated.

    Raises:
        InputError: If it cannot be annotated.
    """
    if intensity not in (None, "hu", "display"):
        raise InputError(f"--intensity {intensity!r}: give hu or display")
    intensity = cast(StatedIntensity | None, intensity)
    return Annotator(Source(path, work=work, intensity=intensity), settings)
