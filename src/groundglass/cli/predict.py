"""Lesion mask of a scan by a trained run, on the scan's own grid.

Example: groundglass predict scan.nii.gz --checkpoint runs/first -o lesions.nii.gz
"""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass predict``."""
    parser.add_argument("scan", help="NIfTI, NRRD, DICOM (folder, zip, file) or image")
    parser.add_argument("--checkpoint", required=True, help="a run folder or a .ckpt file")
    parser.add_argument("-o", "--output", required=True, help="the mask to write, .nii or .nii.gz")
    parser.add_argument("--intensity", help="what the numbers are, if it cannot be told: hu or display (8-bit)")
    parser.add_argument("--threshold", type=float, help="lesion above this probability; by default the run's own")
    parser.add_argument("--orientations", type=int, default=1, help="average over 1, 2 or 8 flips and turns")


def run(arguments: Namespace) -> None:
    """Predict and write the mask."""
    from groundglass.predict.predictor import predict_mask

    if not arguments.output.endswith((".nii", ".nii.gz")):
        raise InputError(f"{arguments.output}: the mask is written as NIfTI; end its name in .nii.gz")
    mask = predict_mask(
        arguments.scan,
        arguments.checkpoint,
        intensity=arguments.intensity,
        threshold=arguments.threshold,
        orientations=arguments.orientations,
    )
    from groundglass.scans.nifti import write_nifti

    write_nifti(mask, Path(arguments.output))
    print(f"{arguments.output}: {int(mask.voxels.sum())} lesion voxels. Research use only: not a medical device.")
