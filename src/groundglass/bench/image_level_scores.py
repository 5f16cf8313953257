"""The figures of a heat map: average precision against each annotator, Dice against threshold, size and work."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from groundglass.bench.image_level_data import all_masks
from groundglass.bench.plan import plain
from groundglass.datasets.folder import DatasetFolder
from groundglass.metrics.threshold import DiceCurve
from groundglass.prediction.evaluate import Pairs
from groundglass.prediction.evaluate import dice_curve
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.scans.scan import Scan

SHOWN = 100
"""Points of the curves that are kept."""
PANEL = 5
"""Test slices in the panel, evenly spread over the test cases."""

Heat = NDArray[np.float32]


@dataclass(frozen=True)
class Scored:
    """Test figures of a method, and what its curves and pictures are drawn from.

    Args:
        metrics: Figures by name; ``dice_curve`` is pairs of threshold and Dice.
        precision_recall: Pairs of recall and precision, against annotator A.
        panel: ``image``, ``truth`` and ``heat`` of some test slices, ``(N, H, W)``.
    """

    metrics: dict[str, Any]
    precision_recall: list[list[float | None]]
    panel: dict[str, NDArray[np.uint8]]


def score(predictor: Predictor, folder: DatasetFolder, root: Path, side: Pairs) -> Scored:
    """Score a trained method on the test lesion slices of covidcell, and on those of medseg100 if there are any.

    Args:
        predictor: Runs the method.
        folder: covidcell as prepared.
        root: Folder with ``covidcell``.
        side: Cases of medseg100.
    """
    threshold = dice_curve(predictor, scored_cases(folder, folder.split.validation)).best()[0]
    curves, panel = _test_curves(predictor, all_masks(root, folder), len(folder.split.test))
    metrics: dict[str, Any] = {f"ap_{name}": plain(curve.average_precision()) for name, curve in curves.items()}
    metrics |= {
        "best_validation_threshold": threshold,
        "dice_at_best_validation_threshold": plain(curves["a"].dice_at(threshold)),
        "dice_curve": [[step / SHOWN, plain(curves["a"].dice_at(step / SHOWN))] for step in range(SHOWN)],
        **size_and_work(predictor),
        **_beside(predictor, list(side), threshold),
    }
    return Scored(metrics, _shown(curves["a"]), panel)


def size_and_work(predictor: Predictor) -> dict[str, int]:
    """Parameters and multiply-adds that the heat map of one slice takes; what only training needs does not count."""
    method, image = predictor.method.eval(), torch.rand(1, 1, *predictor.grid.size)
    used: set[nn.Parameter] = set()
    hooks = [
        one.register_forward_pre_hook(lambda module, _: used.update(module.parameters(recurse=False)))
        for one in method.modules()
    ]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        method.probabilities(image)
    for hook in hooks:
        hook.remove()
    return {"parameters": sum(one.numel() for one in used), "multiply_adds": counter.get_total_flops() // 2}


def _test_curves(
    predictor: Predictor, cases: Iterable[tuple[Any, Mapping[str, Scan]]], count: int
) -> tuple[dict[str, DiceCurve], dict[str, NDArray[np.uint8]]]:
    curves: dict[str, DiceCurve] = {}
    shown: list[dict[str, NDArray[np.uint8]]] = []
    for pair, masks in cases:
        parts = list(predictor.slabs(pair.scan, pair.lungs))
        for slab, heat in parts:
            for name, mask in masks.items():
                curves.setdefault(name, DiceCurve()).update(heat, mask.voxels[slab] > 0)
        shown.append(_look(pair, np.concatenate([heat for _, heat in parts])))
    chosen = np.unique(np.linspace(0, len(shown) - 1, min(PANEL, count)).astype(int))
    return curves, {key: np.stack([shown[index][key] for index in chosen]) for key in shown[0]}


def _look(pair: Any, heat: Heat) -> dict[str, NDArray[np.uint8]]:
    """The slice of a case with the largest lesion."""
    index = int((pair.mask.voxels > 0).sum(axis=(1, 2)).argmax())
    return {
        "image": np.asarray(pair.scan.voxels[index], np.uint8),
        "truth": np.asarray(pair.mask.voxels[index] > 0, np.uint8),
        "heat": np.rint(255 * heat[index]).astype(np.uint8),
    }


def _shown(curve: DiceCurve) -> list[list[float | None]]:
    """Precision at evenly spaced recalls, from the thresholds just below."""
    precision, recall = curve.precision_recall()
    wanted = np.linspace(0, 1, SHOWN + 1)
    # Recall falls with the threshold: the highest threshold that still reaches it.
    last = [np.flatnonzero(recall >= value)[-1] for value in wanted if (recall >= value).any()]
    return [[plain(float(recall[index])), plain(float(precision[index]))] for index in dict.fromkeys(last)]


def _beside(predictor: Predictor, side: Pairs, threshold: float) -> dict[str, float | None]:
    """The same run, as it is, on the other dataset."""
    if not side:
        return {}
    curve = dice_curve(predictor, side)
    return {"medseg100_ap": plain(curve.average_precision()), "medseg100_dice": plain(curve.dice_at(threshold))}
