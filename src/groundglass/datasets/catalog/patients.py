"""Whose the scans of a folder of one's own are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from groundglass.datasets.catalog.table import read_column
from groundglass.datasets.splits import HELD_OUT
from groundglass.errors import InputError

logger = logging.getLogger(__name__)

TABLE = "patients.csv (columns case,patient)"


def patients_of(
    root: Path, scans: Mapping[str, Path], *, dealt: bool, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The patient of each case, from ``patients.csv`` if it is there.

    Otherwise DICOM scans with one PatientID are of one patient, who is named after the first of these cases, so that
    no identifier is written anywhere. A case of which nothing is known counts as a patient of its own, which is said.

    Args:
        root: Where ``patients.csv`` may be.
        scans: The files or folders of all cases by the cases' names.
        dealt: Whether patients will be held out, which a patient who counts as several would spoil.
        known: What is known otherwise of some cases.

    Raises:
        InputError: If the table is wrong or lacks a case.
    """
    if found := read_column(root / "patients.csv", "patient", scans):
        return found
    found = dict(known or {})
    first: dict[str, str] = {}
    ids = {case: _patient_id(path) for case, path in scans.items() if case not in found}
    found |= {case: first.setdefault(one, case) for case, one in ids.items() if one}
    alone = {case: case for case in scans if case not in found}
    if dealt and len(scans) > 1:
        _say_doubts(root, found, alone, by_id=bool(first))
    return found | alone


def _say_doubts(root: Path, found: Mapping[str, str], alone: Mapping[str, str], *, by_id: bool) -> None:
    if alone:
        logger.warning(
            "%s: no patients.csv: each of the %d images%s counts as another patient; if some are of one patient, "
            "write %s, or they can be in training and in test",
            *(root, len(alone), " of which no patient is known" if found else "", TABLE),
        )
    images, patients = len(found) + len(alone), len({*found.values(), *alone})
    if by_id and patients <= len(HELD_OUT) < images:
        logger.warning(
            "%s: by their PatientID the %d images are of %d patient%s; if they are of more, write %s",
            *(root, images, patients, "s" * (patients != 1), TABLE),
        )


def _patient_id(path: Path) -> str:
    """PatientID of a DICOM scan; empty if there is none. What cannot be read is named when the scan is read."""
    if path.is_file() and not path.name.lower().endswith(".zip"):
        return ""
    from groundglass.scans.dicom import read_patient_id  # pydicom and SimpleITK take 0.8 s

    try:
        return read_patient_id(path)
    except InputError:
        return ""
