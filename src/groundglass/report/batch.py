"""Many scans, one after the other: a failure stops none of the others, and what is finished is not done again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path

from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn

from groundglass.errors import InputError
from groundglass.prediction.lungs import lungs_of_scans
from groundglass.prediction.segmenter import Segmenter
from groundglass.report.outputs import FINISHED
from groundglass.report.outputs import write_outputs
from groundglass.scans.discover import find_scans
from groundglass.scans.discover import names_patient
from groundglass.scans.naming import stem
from groundglass.scans.scan import Intensity

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """How scans are predicted and what is written.

    Args:
        intensity: What the numbers are, where the files do not tell.
        series: Which DICOM series, where there are several.
        lungs: The lung mask of the only scan, or a folder with a mask of each scan's name.
        probabilities: Write the probabilities too.
        count: Write the list of lesions too.
        keep_identifiers: Show who the patient is.
        resume: Leave finished scans as they are, in an output folder that exists.
        quiet: No progress.
    """

    intensity: Intensity | None = None
    series: str | None = None
    lungs: str | Path | None = None
    probabilities: bool = False
    count: bool = False
    keep_identifiers: bool = False
    resume: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of the scans: the page (or mask) of each, and one sentence for each that failed."""

    written: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: int = 0


def predict_scans(paths: Iterable[str | Path], output: Path, segmenter: Segmenter, job: Job) -> Outcome:
    """Predict the scans at ``paths`` and write each one's files below ``output``.

    A single scan's files lie in ``output`` itself; of several, each has a folder there with the name of its file, or
    ``scan-<number>`` where that name holds the patient's.

    Raises:
        InputError: If there is no scan, one has no lung mask though they are given, or the output folder has files and
            ``resume`` is not set.
    """
    scans = [scan for path in paths for scan in find_scans(path)]
    if not job.resume and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output}: exists already; choose another folder, or go on in it with --resume")
    masks, folders = lungs_of_scans(scans, job.lungs), _folders(scans, output, job)
    outcome = Outcome()
    with _progress(len(scans), job.quiet) as advance:
        for scan, lungs, folder in zip(scans, masks, folders, strict=True):
            if (folder / FINISHED).exists():
                outcome = replace(outcome, skipped=outcome.skipped + 1)
            else:
                _one(scan, lungs, folder, segmenter, job, outcome)
            advance()
    return outcome


def _one(scan: Path, lungs: Path | None, folder: Path, segmenter: Segmenter, job: Job, outcome: Outcome) -> None:
    options = {"probabilities": job.probabilities, "count": job.count, "keep_identifiers": job.keep_identifiers}
    try:
        wanted = job.probabilities or job.count
        prediction = segmenter.predict(
            scan, intensity=job.intensity, series=job.series, lungs=lungs, probabilities=wanted
        )
        outcome.written.append(write_outputs(prediction, folder, **options))
    except InputError as error:
        outcome.failed.append(str(error))


def _folders(scans: Sequence[Path], output: Path, job: Job) -> list[Path]:
    if len(scans) == 1:
        return [output]
    stems = [stem(scan.resolve()) for scan in scans]
    names = []
    for number, (scan, own) in enumerate(zip(scans, stems, strict=True), start=1):
        telling = not job.keep_identifiers and names_patient(scan)
        names.append(f"scan-{number:03d}" if telling or stems.count(own) > 1 else own)
        if names[-1] != own:
            logger.warning("scan %d of %d is written to %s", number, len(scans), names[-1])
    return [output / name for name in names]


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=quiet) as progress:
        task = progress.add_task("scans", total=total)
        yield lambda: progress.advance(task)
