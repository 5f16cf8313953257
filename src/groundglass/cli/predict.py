"""Lesions, lungs and a report of scans, by the model that comes with the package or by a trained run.

Examples: groundglass predict scan.nii.gz -o out/
          groundglass predict slice.png --intensity display --lungs lungs.png -o out/
          groundglass predict dicom-folder/ more-scans/ -o out/ --checkpoint runs/first
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError
from groundglass.files import check_writable
from groundglass.prediction.options import check_inference

if TYPE_CHECKING:
    from groundglass.prediction.segmenter import Segmenter

MASK_ONLY = (".nii", ".nii.gz")
OTHER_FILES = (".nrrd", ".mha", ".mhd", ".dcm", ".zip", ".png", ".jpg", ".json", ".html", ".csv", ".gz")
"""Whoever names a result so means a file, not a folder."""


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass predict``."""
    parser.add_argument("scans", nargs="+", help="NIfTI, NRRD, DICOM (folder, zip, file), image, or folders of scans")
    parser.add_argument("-o", "--output", required=True, help="folder to make; a name in .nii.gz for the mask alone")
    parser.add_argument("--checkpoint", help="a run folder or a .ckpt file; by default the package's own model")
    parser.add_argument("--series", help="DICOM: UID, number or description of the series to read")
    parser.add_argument("--intensity", help="what the numbers are, if it cannot be told: hu or display (8-bit)")
    parser.add_argument(
        "--lungs", help="its lung mask, or a folder with a mask of each scan's name; else they are found"
    )
    parser.add_argument("--threshold", type=float, help="lesion above this probability; by default the run's own")
    parser.add_argument("--orientations", type=int, help="average over 1, 2 or 8 flips and turns")
    parser.add_argument("--lungmask-weights", type=Path, help="weights file of the optional package lungmask")
    parser.add_argument("--device", default="cpu", help="what the network runs on: auto, cpu, cuda or mps")
    parser.add_argument("--probabilities", action="store_true", help="write probabilities.nii.gz too")
    parser.add_argument("--count", action="store_true", help="list the lesions in lesions.csv, with confidence")
    parser.add_argument("--keep-identifiers", action="store_true", help="show patient name and ID from the DICOM")
    parser.add_argument("--resume", action="store_true", help="go on in an output folder; finished scans stay")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Predict, write the files, say where they are and what failed."""
    _check(arguments)
    from groundglass.prediction.segmenter import Segmenter

    segmenter = Segmenter(
        arguments.checkpoint,
        threshold=arguments.threshold,
        orientations=arguments.orientations,
        lungmask_weights=arguments.lungmask_weights,
        device=arguments.device,
    )
    if _is_mask(arguments.output):
        _mask_alone(segmenter, arguments)
    else:
        _folders(segmenter, arguments)


def _check(arguments: Namespace) -> None:
    if arguments.intensity not in (None, "hu", "display"):
        raise InputError(f"--intensity {arguments.intensity!r}: choose hu or display")
    check_inference(arguments.orientations, arguments.threshold)
    output = Path(arguments.output)
    if _is_mask(arguments.output):
        _check_mask(output, arguments)
    elif output.name.lower().endswith(OTHER_FILES) and not output.exists():
        raise InputError(f"{output}: results are a folder, and a mask alone is {' or '.join(MASK_ONLY)}; choose a name")


def _is_mask(output: str) -> bool:
    return output.lower().endswith(MASK_ONLY)


def _check_mask(output: Path, arguments: Namespace) -> None:
    if output.exists():
        raise InputError(f"{output}: exists already; choose another name, or remove it first")
    if wanted := [name for name in ("probabilities", "count") if arguments[name]]:
        raise InputError(f"--{wanted[0]}: does not fit in {output}, which is the mask alone; give a folder with -o")
    if len(arguments.scans) > 1:
        raise InputError(f"{output}: one mask file cannot hold several scans; give a folder")
    check_writable(output.parent)


def _mask_alone(segmenter: Segmenter, arguments: Namespace) -> None:
    from groundglass.scans.nifti import write_nifti

    options = {name: arguments[name] for name in ("intensity", "series", "lungs")}
    found = segmenter.predict(arguments.scans[0], **options)
    for warning in found.warnings:  # no page tells them
        print(f"groundglass: {warning}", file=sys.stderr)
    write_nifti(found.lesions, Path(arguments.output))
    count = int(found.lesions.voxels.sum())
    print(f"{arguments.output}: {count} lesion voxels. Research use only: not a medical device.")


def _folders(segmenter: Segmenter, arguments: Namespace) -> None:
    from groundglass.report.batch import predict_scans
    from groundglass.report.job import Job

    names = ("intensity", "series", "lungs", "probabilities", "count", "keep_identifiers", "resume", "quiet")
    job = Job(**{name: arguments[name] for name in names})
    outcome = predict_scans(arguments.scans, Path(arguments.output), segmenter, job)
    for path in outcome.written:
        print(path)
    if outcome.skipped:
        print(f"{outcome.skipped} finished before")
    print("Research use only: not a medical device.")
    if outcome.failed:
        raise InputError(_failures(outcome.failed, len(outcome.written) + outcome.skipped))


def _failures(failed: list[str], done: int) -> str:
    if len(failed) == 1 and not done:
        return failed[0]
    return f"{len(failed)} of {len(failed) + done} scans failed: " + " | ".join(failed)
