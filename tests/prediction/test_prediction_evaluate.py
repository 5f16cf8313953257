from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.metrics.overlap import OverlapMeter
from groundglass.prediction.evaluate import choose_threshold
from groundglass.prediction.evaluate import dice_curve
from groundglass.prediction.evaluate import evaluate
from groundglass.prediction.evaluate import evaluate_at
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor

GRID = Grid(size=(48, 48))


class Brightness(nn.Module):
    """Probability 1/2 in the middle between lung and lesion of the blob dataset."""

    def __init__(self, middle: float = 0.45) -> None:
        super().__init__()
        self.middle = nn.Parameter(torch.tensor(middle))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return 40 * (image - self.middle)


def predictor(middle: float = 0.45, batch_size: int = 16) -> Predictor:
    method = METHODS.build("points", {}, network=Brightness(middle), settings=TrainingSettings())
    return Predictor(method, GRID, batch_size=batch_size)


def test_cases_are_scored_with_their_masks(blobs: DatasetFolder) -> None:
    pairs = list(scored_cases(blobs, blobs.split.training))
    assert [case.case for case, *_ in pairs] == ["case0", "case1", "case2", "case3"]
    assert all(scan.shape == mask.shape == (2, 48, 48) for _, scan, mask, _ in pairs)


def test_cases_without_mask_are_left_out(blobs: DatasetFolder) -> None:
    first, second, *_ = blobs.split.training
    assert [case.case for case, *_ in scored_cases(blobs, [replace(first, label=None), second])] == ["case1"]
    with pytest.raises(InputError, match="no case of this part has a mask"):
        list(scored_cases(blobs, [replace(first, label=None)]))


def test_only_the_slices_of_this_part_are_scored(blobs: DatasetFolder) -> None:
    case = replace(blobs.split.training[1], slices=(1, 2))
    ((_, scan, mask, _),) = scored_cases(blobs, [case])
    assert np.array_equal(scan.voxels, blobs.scan(case).voxels[1:])
    whole = blobs.mask(case)
    assert whole is not None
    assert np.array_equal(mask.voxels, whole.voxels[1:])
    assert np.allclose(scan.to_mm(np.zeros((1, 3))), whole.to_mm(np.array([[1, 0, 0]])))


@pytest.mark.parametrize("batch_size", [1, 16])
def test_figures_are_those_of_the_masks_of_all_cases(blobs: DatasetFolder, batch_size: int) -> None:
    pairs = list(scored_cases(blobs, blobs.split.training))
    meter = OverlapMeter()
    for case, scan, mask, _ in pairs:
        meter.update(case.case, predictor(0.35).mask(scan, 0.5).voxels > 0, mask.voxels > 0)
    curve = dice_curve(predictor(0.35), pairs)
    expected = meter.compute() | {"average_precision": curve.average_precision()}
    assert evaluate(predictor(0.35, batch_size), pairs) == pytest.approx(expected, nan_ok=True)


def test_a_perfect_prediction_scores_one(blobs: DatasetFolder) -> None:
    figures = evaluate(predictor(), scored_cases(blobs, blobs.split.test))
    assert figures["dice_global"] == 1
    assert figures["dice_case"] == 1
    assert figures["average_precision"] == pytest.approx(1)
    assert math.isnan(figures["lesion_free_false_positive_share"])


def test_several_thresholds_in_one_pass(blobs: DatasetFolder) -> None:
    pairs = list(scored_cases(blobs, blobs.split.test))
    several = evaluate_at(predictor(), pairs, [0.001, 0.5, 0.999])
    alone = [evaluate(predictor(), pairs, threshold=threshold) for threshold in (0.001, 0.5, 0.999)]
    for one, other in zip(several, alone, strict=True):
        assert one == pytest.approx(other, nan_ok=True)
    assert len({one["average_precision"] for one in several}) == 1
    assert several[0]["sensitivity"] >= several[1]["sensitivity"] >= several[2]["sensitivity"]


def test_the_chosen_threshold_makes_up_for_a_network_that_calls_too_much_lesion(blobs: DatasetFolder) -> None:
    pairs = list(scored_cases(blobs, blobs.split.validation))
    too_much = predictor(0.26)
    threshold = choose_threshold(too_much, pairs)
    assert threshold > 0.5
    assert evaluate(too_much, pairs)["dice_global"] < 0.5
    assert evaluate(too_much, pairs, threshold=threshold)["dice_global"] > 0.95
