"""Which scans are meant, the folder each one's files go to, and which are finished."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.errors import InputError
from groundglass.prediction.lung_files import LungFiles
from groundglass.report.job import Job
from groundglass.report.origin import check_origin
from groundglass.report.origin import origin_of
from groundglass.report.outputs import FINISHED
from groundglass.scans.discover import find_scans
from groundglass.scans.fingerprint import fingerprint
from groundglass.scans.naming import stem
from groundglass.scans.patient_names import names_patient

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A scan to predict.

    Args:
        scan: Where it is.
        lungs: Its lung mask, if one is given.
        folder: Where its files go.
        finished: Whether they are there.
    """

    scan: Path
    lungs: Path | None
    folder: Path
    finished: bool


def plan(
    paths: Iterable[str | Path], output: Path, settings: Mapping[str, Any], job: Job, failed: list[str]
) -> list[Task]:
    """What there is to do for the scans at ``paths``.

    Args:
        paths: Scans, and folders of scans.
        output: Where the results go.
        settings: Of the model.
        job: What is asked for.
        failed: Gets a sentence for each scan that cannot be found or read, or has no lung mask though they are given;
            it has no task.

    Raises:
        InputError: If the lung masks cannot be read, the results would lie inside a scan, or what is finished was made
            with something else.
    """
    scans = _found(paths, output, failed)
    alone = len(scans) + len(failed) == 1
    masks = LungFiles(scans, job.lungs, alone=alone)
    taken = Counter(stem(scan.resolve()).casefold() for scan in scans)
    tasks = []
    for scan in scans:
        try:
            lungs = masks.of(scan)
            folder = output if alone else output / _name(scan, taken, job)
            finished = (folder / FINISHED).exists()
            origin = origin_of(scan, lungs, settings, job) if finished else {}
        except InputError as error:
            failed.append(str(error))
            continue
        if finished:
            check_origin(folder / FINISHED, origin)
        tasks.append(Task(scan, lungs, folder, finished))
    return tasks


def _found(paths: Iterable[str | Path], output: Path, failed: list[str]) -> list[Path]:
    """The scans at ``paths``; the results in an output folder among them are none."""
    scans, results = [], output.resolve()
    for path in map(Path, paths):
        try:
            found = [scan for scan in find_scans(path) if scan == path or scan.resolve() != results]
        except InputError as error:
            failed.append(str(error))
            continue
        if inside := [scan for scan in found if results.is_relative_to(scan.resolve())]:
            raise InputError(f"{output}: lies inside the scan {inside[0]}; choose a folder elsewhere for the results")
        scans += found
    return scans


def _name(scan: Path, taken: Counter[str], job: Job) -> str:
    """Its own name; where that is another's too, or the patient's, one made from its content, so that it stays."""
    own = stem(scan.resolve())
    if taken[own.casefold()] == 1 and (job.keep_identifiers or not names_patient(scan)):
        return own
    name = f"scan-{fingerprint(scan)[:8]}"
    taken[name] += 1
    name += f"-{taken[name]}" if taken[name] > 1 else ""  # copies of one file, whose results are the same
    logger.warning("%s is written to %s", scan, name)
    return name
