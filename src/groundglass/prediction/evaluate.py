"""A method scored on cases with masks, at each mask's own size."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.lungs import NoLungsError
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.lungs import say_lungs
from groundglass.datasets.progress import Progress
from groundglass.datasets.progress import counted
from groundglass.errors import InputError
from groundglass.metrics.overlap import OverlapMeter
from groundglass.metrics.threshold import DiceCurve
from groundglass.prediction.predictor import Predictor
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)


class Pair(NamedTuple):
    """A case to score: its image, its lesion mask and, where there is one, its lung mask, all on one grid."""

    case: Case
    scan: Scan
    mask: Scan
    lungs: Scan | None = None


Pairs = Iterable[Pair]


def has_masks(cases: Sequence[Case]) -> bool:
    """Whether any of the cases can be scored."""
    return any(case.label for case in cases)


def scored_cases(
    folder: DatasetFolder, cases: Sequence[Case], grid: Grid | None = None, *, progress: Progress | None = None
) -> Iterator[Pair]:
    """Images and masks of the cases that have a mask, one case in memory at a time.

    Args:
        folder: The dataset.
        cases: The part of it to score.
        grid: What the network sees. If it wants lungs, they are found in scans in HU without a lung mask, and a case
            that shows none is left out and named; see :func:`case_lungs`. ``None``: lungs are those of the dataset.
        progress: Called with the number of cases that are done and their total.

    Raises:
        InputError: If none has.
    """
    if not has_masks(cases):
        raise InputError(f"{folder.root}: no case of this part has a mask, so it cannot be scored; add masks")
    grid = grid or Grid()
    say_lungs(folder, grid)
    for case in counted(cases, progress):
        mask = folder.mask(case)
        if mask is not None:
            scan = folder.scan(case)
            first, last = case.slices or (0, mask.shape[0])
            try:
                lungs = case_lungs(folder, case, scan, grid)
            except NoLungsError as error:
                logger.warning("case %s is not scored: %s", case.case, error)
                continue
            inside = None if lungs is None else lungs.slab(first, last)
            yield Pair(case, scan.slab(first, last), mask.slab(first, last), inside)


def dice_curve(predictor: Predictor, pairs: Pairs) -> DiceCurve:
    """Dice, precision and recall at every threshold, all pixels of all cases together."""
    curve = DiceCurve()
    for _, scan, mask, lungs in pairs:
        for slab, probabilities in predictor.slabs(scan, lungs):
            curve.update(probabilities, mask.voxels[slab] > 0)
    return curve


def choose_threshold(predictor: Predictor, pairs: Pairs) -> float:
    """The probability threshold with the highest global Dice on some cases: the validation cases, never the test's.

    Clicks lie on lesions and on background alike, lesions are far rarer: at 0.5 a network trained on clicks calls
    too much lesion.
    """
    return dice_curve(predictor, pairs).best()[0]


def evaluate(predictor: Predictor, pairs: Pairs, *, threshold: float = 0.5) -> dict[str, float]:
    """Overlap of prediction and mask; see :class:`OverlapMeter` for the figures.

    Beside them ``average_precision``, of all pixels together, which is the same at every threshold; NaN without lesion.
    """
    return evaluate_at(predictor, pairs, [threshold])[0]


def evaluate_at(predictor: Predictor, pairs: Pairs, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """:func:`evaluate` for several thresholds with one pass of the network."""
    meters, curve = [OverlapMeter() for _ in thresholds], DiceCurve()
    for case, scan, mask, lungs in pairs:
        for slab, probabilities in predictor.slabs(scan, lungs):
            truth = mask.voxels[slab] > 0
            curve.update(probabilities, truth)
            for meter, threshold in zip(meters, thresholds, strict=True):
                meter.update(case.case, probabilities > threshold, truth)
    return [meter.compute() | {"average_precision": curve.average_precision()} for meter in meters]
