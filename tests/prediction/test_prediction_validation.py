"""Validation scores: the one a recipe monitors is there, and by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import validate
from groundglass.scans.scan import Scan


class Given:
    """A predictor that gives what it is told."""

    def __init__(self, probabilities: NDArray[np.float32]) -> None:
        self.probabilities = probabilities

    def slabs(self, scan: Scan, lungs: Scan | None = None) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        yield slice(0, 1), self.probabilities


@pytest.fixture
def scores() -> dict[str, dict[str, float]]:
    """Two lesions of four pixels; one found at 0.9, the other at 0.3, and four more pixels called at 0.6."""
    mask, probabilities = np.zeros((1, 32, 32), np.uint8), np.zeros((1, 32, 32), np.float32)
    mask[0, 2:4, 2:4] = mask[0, 20:22, 2:4] = 1
    probabilities[0, 2:4, 2:4], probabilities[0, 20:22, 2:4], probabilities[0, 10:12, 20:22] = 0.9, 0.3, 0.6
    pair = Pair(
        Case(case="a", patient="a", image="a", intensity="display"),
        Scan(mask, np.eye(4), "display"),
        Scan(mask, np.eye(4), "mask"),
    )
    return {monitor: validate(Given(probabilities), [pair], monitor) for monitor in MONITORS}  # type: ignore[arg-type]


def test_each_monitor_has_its_score(scores: dict[str, dict[str, float]]) -> None:
    for monitor, name in MONITORS.items():
        assert name in scores[monitor]
        assert scores[monitor]["dice_global"] == 0.5


def test_scores_by_hand(scores: dict[str, dict[str, float]]) -> None:
    assert scores["best-dice"]["dice_best"] == pytest.approx(16 / 20)
    assert scores["precision"]["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 8 / 12)
    assert scores["count"]["minus_mae"] == 0
