"""A scan in words and numbers, without a word about the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from nibabel.affines import obliquity

from groundglass.scans.checks import scan_warnings
from groundglass.scans.scan import Scan

if TYPE_CHECKING:
    from groundglass.scans.dicom_series import DicomSeries

DIRECTIONS = (("right to left", "left to right"), ("front to back", "back to front"), ("feet to head", "head to feet"))
"""For each axis of LPS the words for its direction and for the other one."""

PLANES = ("sagittal", "coronal", "axial")
"""The plane of the slices, by the axis of LPS they are stacked along."""

OBLIQUE_DEGREES = 1.0


def describe_scan(scan: Scan, series: DicomSeries | None = None) -> dict[str, Any]:
    """Facts about a scan by name, ready for JSON.

    Args:
        scan: In HU or 8-bit.
        series: Its headers if it was DICOM. Only numbers and codes are told, no name, date, UID or description.
    """
    facts = {
        "kind": "scan",
        "shape": list(scan.shape),
        "spacing_mm": [round(value, 4) for value in scan.spacing],
        "size_mm": [round(value * count, 1) for value, count in zip(scan.spacing, scan.shape, strict=True)],
        "orientation": orientation(scan),
        "intensity": scan.intensity,
        "range": [float(scan.voxels.min()), float(scan.voxels.max())],
        "affine_lps": scan.affine.round(4).tolist(),
    }
    return facts | (_dicom(series) if series is not None else {}) | {"warnings": scan_warnings(scan)}


def orientation(scan: Scan) -> str:
    """Where the array axes of a scan run in the patient, in words.

    Example:
        >>> orientation(Scan(np.zeros((2, 3, 4)), np.eye(4)[[2, 1, 0, 3]], "hu"))
        'axial, slices feet to head, rows front to back, columns right to left'
    """
    directions = scan.affine[:3, :3] / np.array(scan.spacing)
    axes = np.abs(directions).argmax(axis=0)
    words = [DIRECTIONS[axis][int(directions[axis, number] < 0)] for number, axis in enumerate(axes)]
    text = f"{PLANES[axes[0]]}, slices {words[0]}, rows {words[1]}, columns {words[2]}"
    turned = float(np.rad2deg(obliquity(scan.affine).max()))
    return f"{text}, turned by up to {turned:.0f} degrees" if turned > OBLIQUE_DEGREES else text


def _dicom(series: DicomSeries) -> dict[str, Any]:
    header = series.headers[0]
    syntax = header.file_meta.get("TransferSyntaxUID")
    return {
        "modality": str(header.get("Modality") or "CT"),
        "transfer_syntax": syntax.name if syntax is not None else "not stated",
        "series": [one._asdict() for one in series.found],
        "left_out": series.left_out or "nothing",
    }
