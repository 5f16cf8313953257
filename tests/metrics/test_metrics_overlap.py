from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from groundglass.metrics.overlap import Confusion
from groundglass.metrics.overlap import OverlapMeter

Pair = tuple[NDArray[np.bool_], NDArray[np.bool_]]
MONAI_NAMES = {
    "ppv": "precision",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "iou": "threat score",
    "dice": "f1 score",
}


def random_pair(seed: int, shape: tuple[int, ...] = (3, 9, 8)) -> Pair:
    rng = np.random.default_rng(seed)
    return rng.random(shape) > rng.random(), rng.random(shape) > rng.random()


@pytest.mark.parametrize("seed", range(5))
def test_all_five_figures_agree_with_monai(seed: int) -> None:
    from monai.metrics import ConfusionMatrixMetric
    from monai.metrics import compute_dice
    from monai.metrics import compute_iou

    pair = random_pair(seed)
    confusion = Confusion.of(*pair)
    prediction, mask = (torch.from_numpy(one)[None, None].float() for one in pair)
    metric = ConfusionMatrixMetric(include_background=True, metric_name=list(MONAI_NAMES.values()))
    metric(prediction, mask)
    for name, figure in zip(MONAI_NAMES, metric.aggregate(), strict=True):
        assert getattr(confusion, name) == pytest.approx(float(figure)), name
    assert confusion.dice == pytest.approx(float(compute_dice(prediction, mask)))
    assert confusion.iou == pytest.approx(float(compute_iou(prediction, mask)))


@given(arrays(bool, (2, 4, 5)), arrays(bool, (2, 4, 5)))
@settings(max_examples=50, deadline=None)
def test_counts_are_those_of_the_definition(prediction: NDArray[np.bool_], mask: NDArray[np.bool_]) -> None:
    expected = [(prediction == a) & (mask == b) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))]
    assert Confusion.of(prediction, mask) == Confusion(*(int(one.sum()) for one in expected))


def test_figures_by_hand() -> None:
    confusion = Confusion(tp=6, fp=2, fn=4, tn=18)
    assert confusion.dice == 12 / 18
    assert confusion.iou == 6 / 12
    assert confusion.ppv == 6 / 8
    assert confusion.sensitivity == 6 / 10
    assert confusion.specificity == 18 / 20


def test_a_ratio_of_nothing_to_nothing_is_not_a_number() -> None:
    empty = Confusion(tn=5)
    assert all(math.isnan(figure) for figure in (empty.dice, empty.iou, empty.ppv, empty.sensitivity))
    assert empty.specificity == 1
    assert math.isnan(Confusion(tp=1).specificity)
    assert Confusion(fp=1).dice == 0
    assert Confusion(fn=1).dice == 0


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        Confusion.of(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


def half(right: int) -> Pair:
    """A case with ten lesion voxels of which ``right`` are found, and ten others."""
    mask = np.arange(20) < 10
    return mask & (np.arange(20) < right), mask


def test_global_dice_is_not_the_mean_over_cases() -> None:
    """One large case found well and one small one missed: the trap the papers disagree in."""
    meter = OverlapMeter()
    meter.update("large", *(np.repeat(one, 50) for one in half(9)))
    meter.update("small", *half(1))
    figures = meter.compute()
    large, small = 18 / 19, 2 / 11
    assert figures["dice_case"] == pytest.approx((large + small) / 2)
    assert figures["dice_case_sd"] == pytest.approx((large - small) / 2)
    assert figures["dice_global"] == pytest.approx(2 * 451 / (2 * 451 + 59))
    assert abs(figures["dice_global"] - figures["dice_case"]) > 0.3


def test_global_figures_are_those_of_all_voxels_together() -> None:
    meter = OverlapMeter()
    pairs = [random_pair(seed) for seed in range(4)]
    for number, pair in enumerate(pairs):
        meter.update(str(number), *pair)
    whole = Confusion.of(*(np.concatenate(one) for one in zip(*pairs, strict=True)))
    figures = meter.compute()
    assert figures["dice_global"] == whole.dice
    for name in ("iou", "ppv", "sensitivity", "specificity"):
        assert figures[name] == getattr(whole, name)
    assert figures["n_cases"] == 4


@given(st.integers(1, 7))
@settings(max_examples=7, deadline=None)
def test_slices_of_a_case_are_added_up(step: int) -> None:
    prediction, mask = random_pair(3, (8, 6, 6))
    whole, pieces = OverlapMeter(), OverlapMeter()
    whole.update("a", prediction, mask)
    for start in range(0, 8, step):
        pieces.update("a", prediction[start : start + step], mask[start : start + step])
    assert pieces.compute() == pytest.approx(whole.compute(), nan_ok=True)


def test_sensitivity_and_specificity_of_diseased_cases_by_hand() -> None:
    meter = OverlapMeter()
    meter.update("a", np.array([1, 1, 1, 0], bool), np.array([1, 1, 0, 0], bool))
    meter.update("b", np.array([1, 0, 0, 0], bool), np.array([1, 1, 1, 0], bool))
    meter.update("healthy", np.array([1, 1, 1, 1], bool), np.zeros(4, bool))
    figures = meter.compute()
    assert figures["sensitivity_case"] == pytest.approx((1 + 1 / 3) / 2)
    assert figures["specificity_case"] == pytest.approx((1 / 2 + 1) / 2)
    assert figures["sensitivity"] == pytest.approx(3 / 5)


def test_lesion_free_cases_are_counted_and_kept_out_of_the_mean() -> None:
    meter = OverlapMeter()
    meter.update("diseased", *half(10))
    meter.update("clean", np.arange(20) < 5, np.zeros(20, bool))
    meter.update("cleaner", np.zeros(20, bool), np.zeros(20, bool))
    figures = meter.compute()
    assert figures["dice_case"] == 1
    assert figures["dice_global"] == 20 / 25
    assert (figures["n_cases"], figures["n_lesion_free"]) == (3, 2)
    assert figures["lesion_free_false_positive_share"] == pytest.approx(0.25 / 2)


def test_a_case_whose_lesion_lies_in_one_of_its_slices_is_not_lesion_free() -> None:
    meter = OverlapMeter()
    meter.update("a", np.zeros(20, bool), np.zeros(20, bool))
    meter.update("a", *half(10))
    assert meter.compute()["n_lesion_free"] == 0
    assert meter.compute()["dice_case"] == 1


def test_without_lesions_there_is_no_dice() -> None:
    meter = OverlapMeter()
    meter.update("clean", np.zeros(4, bool), np.zeros(4, bool))
    figures = meter.compute()
    assert math.isnan(figures["dice_case"])
    assert math.isnan(figures["dice_case_sd"])
    assert math.isnan(figures["dice_global"])
    assert figures["lesion_free_false_positive_share"] == 0


def test_without_lesion_free_cases_there_is_no_share_of_false_positives() -> None:
    meter = OverlapMeter()
    meter.update("a", *half(3))
    assert math.isnan(meter.compute()["lesion_free_false_positive_share"])
