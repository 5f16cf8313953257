"""Pictures and figures of the demo's page."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.labels.events import Point
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.report.figures import clicks
from groundglass.report.figures import comparison
from groundglass.report.figures import curves
from groundglass.report.figures import montage
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan
from groundglass.training.figures import measured
from groundglass.training.history import read_history
from groundglass.training.run import Run


@dataclass(frozen=True)
class Row:
    """One of the three segmenters."""

    title: str
    run: Run


def _windowed(scan: Scan) -> NDArray[np.float32]:
    return window_scan(scan, Window.named("lung"))


def _busiest(mask: NDArray[np.generic], count: int) -> Sequence[int]:
    """The slices with most lesion, feet to head."""
    return sorted(np.argsort(np.count_nonzero(mask, axis=(1, 2)))[-count:].tolist())


def clicks_picture(folder: DatasetFolder) -> bytes:
    """The simulated clicks on four slices of a training scan, PNG."""
    case, scan, mask, _ = next(pair for pair in scored_cases(folder, folder.split.training) if pair[2].voxels.any())
    points = [label for label in folder.labels(["point"])[case.case] if isinstance(label, Point)]
    marks = np.array([[*scan.to_indices(np.array([point.position]))[0], point.label] for point in points])
    chosen = _busiest(mask.voxels, 4)
    on_slice = [marks[np.rint(marks[:, 0]) == index][:, 1:] for index in chosen]
    return clicks([_windowed(scan)[index] for index in chosen], on_slice, [mask.voxels[index] > 0 for index in chosen])


def burdens(folder: DatasetFolder, cases: Sequence[Case]) -> str:
    """Percent of the lung that is lesion, scan by scan."""
    pairs = [(folder.mask(case), folder.lungs(case)) for case in cases]
    shares = [100 * np.sum(mask.voxels > 0) / np.sum(lungs.voxels > 0) for mask, lungs in pairs if mask and lungs]
    return ", ".join(f"{share:.0f}" for share in shares)


def curves_picture(rows: Sequence[Row]) -> bytes:
    """Validation Dice against epoch of each segmenter, PNG."""
    lines = {row.title: measured(read_history(row.run.folder / "history.csv"), "val_dice_global") for row in rows}
    return curves(lines, xlabel="epoch", ylabel="validation Dice (global)")


def comparison_picture(rows: Sequence[Row], pairs: Iterable[Pair]) -> bytes:
    """One slice of each of three scans: the true mask beside the mask of each segmenter, PNG."""
    lines = []
    for _, scan, mask, _ in [pair for pair in pairs if pair[2].voxels.any()][:3]:
        index = _busiest(mask.voxels, 1)[0]
        part = scan.slab(index, index + 1)
        masks = [Predictor(row.run.method, row.run.config.grid).mask(part).voxels[0] > 0 for row in rows]
        lines.append({"image": _windowed(part)[0], "truth": mask.voxels[index] > 0, "masks": masks})
    return comparison(lines, [row.title for row in rows])


def montage_picture(scan: Scan, mask: Scan) -> bytes:
    """The eight slices of a scan with most lesion, PNG."""
    chosen = _busiest(mask.voxels, 8)
    images = _windowed(scan)
    return montage(
        [images[index] for index in chosen],
        [mask.voxels[index] > 0 for index in chosen],
        [f"slice {index + 1} of {len(images)}" for index in chosen],
    )
