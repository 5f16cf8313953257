"""Every lesion of a prediction: where, how large, how sure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from groundglass.files import write_text
from groundglass.metrics.localization import Lesion
from groundglass.metrics.localization import find_lesions
from groundglass.prediction.prediction import Prediction
from groundglass.scans.scan import Scan

COLUMNS = ("number", "x_mm", "y_mm", "z_mm", "ml", "confidence")
PIXEL_COLUMNS = ("number", "slice", "row", "column", "pixels", "confidence")
"""Of pictures and 8-bit slices without a lung mask, of which no report gives volumes either: indices from 0, and a
count."""


def write_lesion_list(prediction: Prediction, path: Path) -> int:
    """Write the lesions as CSV, largest first.

    A lesion is a 26-connected part of what is above the threshold; its position is its voxel nearest to the centroid of
    its probabilities, in LPS mm; its confidence is its highest probability. Of pictures, whose size in
    mm is not known, and 8-bit slices without a lung mask the position is in pixels and so is the size.

    Args:
        prediction: With probabilities.
        path: The file to write.

    Returns:
        How many there are.

    Raises:
        ValueError: If the prediction has no probabilities.
    """
    if prediction.probabilities is None:
        raise ValueError("a list of lesions needs the probabilities")
    lesions = find_lesions(prediction.probabilities.voxels, prediction.threshold)
    in_pixels = prediction.lungs is None or not prediction.scan.measured
    content = io.StringIO()
    table = csv.writer(content, lineterminator="\n")
    table.writerow(PIXEL_COLUMNS if in_pixels else COLUMNS)
    for number, lesion in enumerate(lesions, start=1):
        where = [*lesion.center, lesion.size] if in_pixels else _in_mm(lesion, prediction.scan)
        table.writerow([number, *where, f"{lesion.confidence:.3f}"])
    write_text(path, content.getvalue())
    return len(lesions)


def _in_mm(lesion: Lesion, scan: Scan) -> list[str]:
    position = scan.to_mm(np.array([lesion.center]))[0]
    voxel_ml = abs(float(np.linalg.det(scan.affine[:3, :3]))) / 1000
    return [*(f"{value:.1f}" for value in position), f"{lesion.size * voxel_ml:.3f}"]
