"""A threshold for heat maps where no mask can choose one: from slices that are tagged to have no lesion."""

from __future__ import annotations

import random
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.lungs import NoLungsError
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.progress import Progress
from groundglass.datasets.progress import counted
from groundglass.labels.events import Label
from groundglass.labels.rasterize import slice_tags
from groundglass.metrics.threshold import DiceCurve
from groundglass.prediction.predictor import Predictor

FALSE_ALARMS = 0.003
"""Share of the lung of slices without lesion that may be called lesion. With 0.2 and 0.5 %, Dice on covidcell's
validation slices was 0.638 and 0.629 (decomposition; at the best threshold 0.639), 0.521 and 0.527 (BL; 0.532), 0.435
and 0.411 (Grad-CAM; 0.445)."""
SLICES = 300
"""So many are looked at, or a few more; a whole dataset would take as long as an epoch."""


def threshold_from_tags(
    predictor: Predictor, folder: DatasetFolder, cases: Sequence[Case], *, progress: Progress | None = None
) -> float | None:
    """The threshold above which lies :data:`FALSE_ALARMS` of the lungs of slices without lesion.

    Args:
        predictor: Gives the heat maps.
        folder: The dataset.
        cases: Those whose slice tags (or healthy scan tags) are heard; drawn from in an order of their own.
        progress: Called with the number of cases looked at and their total; few of them may be enough.

    Returns:
        The threshold, or ``None`` if no slice is tagged to have no lesion, or nothing of them is warm at all.
    """
    labels = folder.labels(("slice_tag", "scan_tag"))
    order = [case for case in cases if case.case in labels]
    random.Random(0).shuffle(order)  # neighboring cases are of one kind in many a dataset
    curve, seen = DiceCurve(), 0
    for case in counted(order, progress):
        for heat in _without_lesion(predictor, folder, case, labels[case.case]):
            curve.update(heat, np.zeros(heat.shape, bool))
            seen += 1
        if seen >= SLICES:
            break
    threshold = curve.exceeded_by(FALSE_ALARMS)
    return threshold if 0 < threshold < 1 else None


def _without_lesion(
    predictor: Predictor, folder: DatasetFolder, case: Case, labels: Sequence[Label]
) -> Iterator[NDArray[np.float32]]:
    """The heat of each slice tagged to have no lesion: ``(N,)`` in its lungs, or ``(H, W)`` without a lung mask."""
    scan = folder.scan(case)
    tags = slice_tags(labels, affine=scan.affine, depth=scan.shape[0])
    wanted = np.flatnonzero(tags == 0)
    if not len(wanted):
        return
    try:
        lungs = case_lungs(folder, case, scan, predictor.grid)
    except NoLungsError:
        return
    for slab, heat in predictor.slabs(scan, lungs):
        for index in wanted[(wanted >= slab.start) & (wanted < slab.stop)]:
            shown = heat[index - slab.start]
            yield shown if lungs is None else shown[lungs.voxels[index] > 0]
