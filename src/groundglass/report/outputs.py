"""The files made for a predicted scan."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import groundglass
from groundglass.errors import InputError
from groundglass.prediction.prediction import Prediction
from groundglass.report.burden import measure
from groundglass.report.identifiers import identifiers_of
from groundglass.report.lesion_list import write_lesion_list
from groundglass.report.plain import write_plain_report
from groundglass.report.provenance import Provenance
from groundglass.report.provenance import package_versions
from groundglass.report.restoration_figure import restoration_figure
from groundglass.report.scan_report import write_report
from groundglass.scans.nifti import write_nifti

FINISHED = "report.json"
"""Written last: a folder that has it is complete."""

ON_THE_WAY = ("lesions.nii.gz", "lungs.nii.gz", "probabilities.nii.gz", "lesions.csv", "lesions.dcm", "report.html")


def write_outputs(
    prediction: Prediction,
    folder: Path,
    *,
    origin: Mapping[str, Any] | None = None,
    probabilities: bool = False,
    count: bool = False,
    keep_identifiers: bool = False,
) -> Path:
    """Write masks, DICOM-SEG if the scan was DICOM, the report and its pictures.

    Args:
        prediction: What was predicted.
        folder: Where to; made if missing. What an unfinished prediction left there goes.
        origin: What decides on the result, by name; see :func:`groundglass.report.origin.origin_of`; without,
            ``--resume`` refuses it.
        probabilities: Write those of the prediction, too.
        count: Write the list of lesions, too, for which the prediction must have probabilities.
        keep_identifiers: Show the patient's name, ID and dates from the DICOM headers in the page and the DICOM-SEG.

    Returns:
        The page, or the mask where no report can be made, as of 8-bit slices without a lung mask.

    Raises:
        InputError: If the folder cannot be written to.
    """
    started = time.perf_counter()
    _clear(folder)
    write_nifti(prediction.lesions, folder / "lesions.nii.gz")
    if prediction.lungs is not None:
        write_nifti(prediction.lungs, folder / "lungs.nii.gz")
    if probabilities and prediction.probabilities is not None:
        write_nifti(prediction.probabilities, folder / "probabilities.nii.gz")
    if count:
        write_lesion_list(prediction, folder / "lesions.csv")
    if prediction.series is not None:
        _write_dicom(prediction, folder / "lesions.dcm", keep_identifiers)
    return _write_report(prediction, folder, keep_identifiers, started, origin or {})


def _clear(folder: Path) -> None:
    """Take away what was left unfinished: it may be of another scan."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (FINISHED, *ON_THE_WAY):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}); choose another folder") from error


def _write_dicom(prediction: Prediction, path: Path, keep_identifiers: bool) -> None:
    from groundglass.scans.dicom_seg import write_dicom_seg  # highdicom takes a second to import

    assert prediction.series is not None
    write_dicom_seg(
        {"lesions": prediction.lesions},
        prediction.series,
        path,
        algorithm_name=prediction.model,
        algorithm_version=groundglass.__version__,
        keep_identifiers=keep_identifiers,
    )


def _write_report(
    prediction: Prediction, folder: Path, keep_identifiers: bool, started: float, origin: Mapping[str, Any]
) -> Path:
    if prediction.lungs is None:
        return write_plain_report(prediction, folder, origin)
    measurements = measure(prediction.scan, prediction.lesions, prediction.lungs, prediction.probabilities)
    seconds = {**prediction.seconds, "files": round(time.perf_counter() - started, 2)}
    return write_report(
        folder,
        scan=prediction.scan,
        lesions=prediction.lesions,
        lungs=prediction.lungs,
        measurements=measurements,
        provenance=Provenance(
            model=prediction.model,
            lungs=prediction.lungs_from,
            settings={"threshold": float(f"{prediction.threshold:.4g}")},
            seconds=seconds,
            warnings=prediction.warnings,
            versions=package_versions("torch"),
            origin=origin,
        ),
        identifiers=_who(prediction) if keep_identifiers else None,
        restoration=None if prediction.restoration is None else restoration_figure(prediction.restoration),
    )


def _who(prediction: Prediction) -> dict[str, str]:
    return identifiers_of(prediction.scan.path or "scan", prediction.series)
