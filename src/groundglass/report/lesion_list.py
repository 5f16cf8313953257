"""Every lesion of a prediction: where, how large, how sure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from groundglass.files import write_text
from groundglass.metrics.localization import find_lesions
from groundglass.prediction.prediction import Prediction

COLUMNS = ("number", "x_mm", "y_mm", "z_mm", "ml", "confidence")


def write_lesion_list(prediction: Prediction, path: Path) -> int:
    """Write the lesions as CSV, largest first.

    A lesion is a 26-connected part of what is above the threshold; its position is its voxel nearest to the centroid of
    its probabilities, in LPS mm; its confidence is its highest probability.

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
    voxel_ml = abs(float(np.linalg.det(prediction.scan.affine[:3, :3]))) / 1000
    content = io.StringIO()
    table = csv.writer(content, lineterminator="\n")
    table.writerow(COLUMNS)
    for number, lesion in enumerate(lesions, start=1):
        position = prediction.scan.to_mm(np.array([lesion.center]))[0]
        size = f"{lesion.size * voxel_ml:.3f}"
        table.writerow([number, *(f"{value:.1f}" for value in position), size, f"{lesion.confidence:.3f}"])
    write_text(path, content.getvalue())
    return len(lesions)
