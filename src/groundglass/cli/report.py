"""Report on an existing lesion mask: burden, severity, pictures and a page to print.

Example: groundglass report scan.nii.gz lesions.nii.gz -o report/
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError

if TYPE_CHECKING:
    from groundglass.scans.scan import Scan


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass report``."""
    parser.add_argument("scan", help="NIfTI, NRRD, DICOM (folder, zip, file) or image")
    parser.add_argument("mask", help="its lesion mask, NIfTI, NRRD, DICOM-SEG or image; other values than 0 are lesion")
    parser.add_argument("-o", "--output", required=True, help="folder for report.html, report.json and overlays/")
    parser.add_argument("--segment", type=int | str, default=1, help="DICOM-SEG: number or label of the segment")
    parser.add_argument("--lungs", help="lung mask, not 0 = lung; else they are found")
    parser.add_argument("--intensity", help="what the numbers are, if it cannot be told: hu or display (8-bit)")
    parser.add_argument("--series", help="DICOM: UID, number or description of the series to read")
    parser.add_argument("--title", default="Chest CT", help="heading of the page")
    parser.add_argument("--keep-identifiers", action="store_true", help="show file, patient and study on the page")
    parser.add_argument("--overwrite", action="store_true", help="replace a former report in the folder")


def run(arguments: Namespace) -> None:
    """Measure and write the report; the page is named in the last line."""
    if arguments.intensity not in (None, "hu", "display"):
        raise InputError(f"--intensity {arguments.intensity!r}: choose hu or display")
    from groundglass.report.burden import measure
    from groundglass.report.destination import check_output
    from groundglass.report.identifiers import identifiers_of
    from groundglass.report.numbers import percent
    from groundglass.report.provenance import Provenance
    from groundglass.report.scan_report import write_report
    from groundglass.scans.checks import scan_warnings
    from groundglass.scans.drawn_mask import mask_of
    from groundglass.scans.reader import read_scan_and_series

    output = Path(arguments.output)
    check_output(output, overwrite=arguments.overwrite)
    seconds: dict[str, float] = {}
    with _timed(seconds, "reading"):
        scan, series = read_scan_and_series(arguments.scan, intensity=arguments.intensity, series=arguments.series)
        lesions = mask_of(Path(arguments.mask), scan, segment=arguments.segment)
    with _timed(seconds, "lungs"):
        lungs, source, warnings = _lungs(arguments.lungs, scan)
    with _timed(seconds, "measuring"):
        measurements = measure(scan, lesions, lungs)
    page = write_report(
        output,
        scan=scan,
        lesions=lesions,
        lungs=lungs,
        measurements=measurements,
        provenance=Provenance(model=None, lungs=source, seconds=seconds, warnings=(*scan_warnings(scan), *warnings)),
        title=arguments.title,
        identifiers=identifiers_of(arguments.scan, series) if arguments.keep_identifiers else None,
    )
    burden = percent(measurements.both.burden_percent)
    print(f"{measurements.severity.name}, lesion burden {burden}. Research use only: not a medical device.\n{page}")


def _lungs(path: str | None, scan: Scan) -> tuple[Scan, str, tuple[str, ...]]:
    """The lung mask, where it comes from, and what there is to say about it."""
    from groundglass.prediction.lungs import given_lungs
    from groundglass.scans.lungs import lung_mask

    if not path:
        return lung_mask(scan), "threshold and morphology", ()
    given = given_lungs(Path(path), scan)
    assert given.mask is not None
    return given.mask, given.source, given.warnings


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - started, 3)
