"""The report on a scan: figures as JSON, a page to read and print, pictures of the lesions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.report.measurements import Measurements
from groundglass.report.numbers import axis_direction
from groundglass.report.numbers import milliliters
from groundglass.report.numbers import percent
from groundglass.report.numbers import voxels
from groundglass.report.numbers import whole
from groundglass.report.numbers import window
from groundglass.report.page import write_page
from groundglass.report.provenance import Provenance
from groundglass.report.scan_pictures import draw
from groundglass.report.scan_pictures import window_used
from groundglass.report.scan_pictures import write_overlays
from groundglass.report.severity import LIMITS_PERCENT
from groundglass.report.severity import SMALLEST_BURDEN_PERCENT
from groundglass.report.tissue import CONSOLIDATION_HU
from groundglass.report.tissue import GROUND_GLASS_HU
from groundglass.report.tissue import WELL_AERATED_HU
from groundglass.scans.scan import Scan

TITLE = "Chest CT"
RESEARCH_USE = "Research use only: not a medical device."
ROWS = {
    "both": "both lungs",
    **{"right": "right lung", "left": "left lung"},
    **{"upper": "upper thirds", "middle": "middle thirds", "lower": "lower thirds"},
}
"""Rows of the table: region and its name."""

LIMITS: dict[str, Any] = {
    "well_aerated_hu": WELL_AERATED_HU,
    "ground_glass_hu": GROUND_GLASS_HU,
    "consolidation_hu": CONSOLIDATION_HU,
    "severity_limits_percent": LIMITS_PERCENT,
    "severity_smallest_percent": SMALLEST_BURDEN_PERCENT,
}
"""Where the lines between kinds of tissue and between classes are drawn."""


def write_report(
    folder: Path,
    *,
    scan: Scan,
    lesions: Scan,
    lungs: Scan,
    measurements: Measurements,
    provenance: Provenance,
    title: str = TITLE,
    identifiers: Mapping[str, str] | None = None,
    restoration: bytes | None = None,
) -> Path:
    """Write ``report.json``, ``report.html`` and ``overlays/*.png`` into a folder.

    No name of a file or patient appears anywhere unless ``identifiers`` hold it.

    ``report.json`` is written last: a folder that has it is complete.

    Args:
        folder: Where to; made if missing. Former files of a report there are replaced.
        scan: ``(D, H, W)`` in Hounsfield units or 8-bit.
        lesions: Mask on its grid, not 0 = lesion.
        lungs: Mask on its grid, 1 = right, 2 = left lung.
        measurements: What :func:`groundglass.report.burden.measure` made of the three.
        provenance: What the masks were made with.
        title: Heading of the page; nothing that names the patient, unless wanted.
        identifiers: Shown at the top, by name, if given.
        restoration: Picture of what a GASNet made of the scan, if one did.

    Returns:
        The page.

    Raises:
        InputError: If the folder cannot be written to.
    """
    _withdraw(folder / "report.json")
    pictures, shown = draw(scan, lesions, lungs, measurements)
    if restoration is not None:
        pictures["restoration"] = restoration
    write_overlays(folder, pictures)
    content: dict[str, Any] = {
        "title": title,
        **({"identifiers": dict(identifiers)} if identifiers else {}),
        "scan": _facts(scan),
        "warnings": [*provenance.warnings, *measurements.warnings],
        "limits": LIMITS,
    }
    page = folder / "report.html"
    words = {"rows": ROWS, "slices": [index + 1 for index in shown], "display": window_used(scan)}
    content_of_page = {**content, **words, **_writers(measurements), **pictures}
    write_page(page, "scan.html", measurements=measurements, provenance=provenance, **content_of_page)
    record = {"note": RESEARCH_USE, **content, "measurements": measurements.to_dict(), "provenance": asdict(provenance)}
    write_text(folder / "report.json", json.dumps(record, indent=1, allow_nan=False) + "\n")
    return page


def _withdraw(record: Path) -> None:
    """Take away the record of a former report, which says that what lies beside it is complete."""
    try:
        record.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{record}: cannot be replaced ({error.strerror}); choose another folder") from error


def _writers(measurements: Measurements) -> dict[str, Any]:
    """How the page writes numbers, and in what unit; ``share`` is a volume as part of all lesion."""

    sized = measurements.size_note is None

    def share(part_ml: float) -> str:
        return percent(100 * part_ml / measurements.both.lesion_ml)

    size = {"ml": milliliters if sized else voxels, "unit": "ml" if sized else "pixels", "sized": sized}
    return {**size, "percent": percent, "window": window, "whole": whole, "share": share}


def _facts(scan: Scan) -> dict[str, Any]:
    return {
        "shape": list(scan.shape),
        "spacing_mm": [round(step, 3) for step in scan.spacing] if scan.measured else None,
        "axes": [axis_direction(scan.affine[:3, axis]) for axis in range(3)],
        "intensity": scan.intensity,
    }
