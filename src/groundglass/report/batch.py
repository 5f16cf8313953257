"""Many scans, one after the other: a failure stops none of the others, and what is finished is not done again."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from groundglass.errors import InputError
from groundglass.files import check_writable
from groundglass.prediction.segmenter import Segmenter
from groundglass.report.job import Job
from groundglass.report.origin import origin_of
from groundglass.report.outputs import write_outputs
from groundglass.report.plan import Task
from groundglass.report.plan import plan
from groundglass.scans.readable import readable


@dataclass(frozen=True)
class Outcome:
    """What became of the scans: the page (or mask) of each, and one sentence for each that failed."""

    written: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: int = 0


def predict_scans(paths: Iterable[str | Path], output: Path, segmenter: Segmenter, job: Job) -> Outcome:
    """Predict the scans at ``paths`` and write each one's files below ``output``.

    A single scan's files lie in ``output`` itself; of several, each has a folder there with the name of its file, or
    ``scan-<digest>`` where that name holds the patient's.

    Raises:
        InputError: If there is one lung mask for several scans, the output folder has files and ``resume`` is not set,
            or what is finished there was made with something else.
    """
    _check_output(output, job.resume)
    check_writable(output)
    outcome, settings = Outcome(), segmenter.settings
    tasks = plan(paths, output, settings, job, outcome.failed)
    with _progress(len(tasks), job.quiet) as advance:
        for task in tasks:
            if not task.finished:
                _one(task, segmenter, settings, job, outcome)
            advance()
    return replace(outcome, skipped=sum(task.finished for task in tasks))


def _check_output(output: Path, resume: bool) -> None:
    nearest = next((path for path in (output, *output.parents) if path.exists()), output)
    if nearest.is_file():
        raise InputError(f"{nearest}: is a file; choose a folder for the results")
    with readable(nearest):
        if not resume and nearest == output and any(output.iterdir()):
            raise InputError(f"{output}: exists already; choose another folder, or go on in it with --resume")


def _one(task: Task, segmenter: Segmenter, settings: Mapping[str, Any], job: Job, outcome: Outcome) -> None:
    options = {"probabilities": job.probabilities, "count": job.count, "keep_identifiers": job.keep_identifiers}
    try:
        origin = origin_of(task.scan, task.lungs, settings, job)
        wanted = job.probabilities or job.count
        prediction = segmenter.predict(
            task.scan, intensity=job.intensity, series=job.series, lungs=task.lungs, probabilities=wanted
        )
        outcome.written.append(write_outputs(prediction, task.folder, origin=origin, **options))
    except InputError as error:
        outcome.failed.append(str(error))


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=quiet) as progress:
        task = progress.add_task("scans", total=total)
        yield lambda: progress.advance(task)
