"""Counting benchmarks: the table is run once, and the two forms of the loss agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from slices import SMALL
from slices import small_plan

from groundglass.bench import lcfcn_loss as speed
from groundglass.bench.table7 import count_scores
from groundglass.bench.table7 import table7
from groundglass.cli import main
from groundglass.datasets.case import Case
from groundglass.losses.lcfcn import lcfcn_loss
from groundglass.prediction.evaluate import Pair
from groundglass.scans.scan import Scan

COARSE = SMALL | {"network_options": {"channels": [4, 8, 8, 8]}}


def test_table7_runs_rows_once_and_writes_the_table(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, output=tmp_path / "table7", rows=["pl", "cb-lcfcn"], seeds=[0], overrides=COARSE)
    table = table7(plan)
    assert "| cb-lcfcn | plain-unet | 1 |" in table
    assert table.index("| pl |") < table.index("| cb-lcfcn |")
    assert "0.66 / 1.74" in table
    assert (plan.output / "table7.md").read_text() == table
    marked = plan.output / "cb-lcfcn-plain-unet-seed0.json"
    result = json.loads(marked.read_text())
    wanted = {"experiment", "method", "network", "variant", "dataset", "split_hash", "seed", "n_cases", "metrics"}
    assert wanted | {"label_seconds", "threads", "versions", "command"} <= set(result)
    assert (result["experiment"], result["method"], result["n_cases"]) == ("table7", "cb-lcfcn", 3)
    metrics = result["metrics"]
    names = {"mae", "game3", "game4", "dice_global", "f_score_10px"}
    assert names | {f"{name}_at_threshold" for name in names} <= set(metrics)
    assert metrics["count_true"] == 2
    assert metrics["mae_constant"] == 0
    assert "Nothing predicted: MAE and GAME 2.000." in table
    assert metrics["game4"] >= metrics["game3"] >= metrics["mae"]
    stamp = marked.stat().st_mtime_ns
    assert table7(plan) == table
    assert marked.stat().st_mtime_ns == stamp


class Given:
    """A predictor that knows the answer."""

    def __init__(self, probabilities: NDArray[np.float32]) -> None:
        self.probabilities = probabilities

    def slabs(self, scan: Scan, lungs: Scan | None = None) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        yield slice(0, 1), self.probabilities


def test_scores_by_hand() -> None:
    """Of two lesions one is found, and something else at 0.6 far away; above 0.7 only the lesion is left."""
    mask, probabilities = np.zeros((1, 64, 64), np.uint8), np.zeros((1, 64, 64), np.float32)
    mask[0, 4:8, 4:8] = mask[0, 40:44, 4:8] = 1
    probabilities[0, 4:8, 4:8], probabilities[0, 60, 60] = 0.9, 0.6
    pair = Pair(
        Case(case="a", patient="a", image="a", intensity="display"),
        Scan(mask, np.eye(4), "display"),
        Scan(mask, np.eye(4), "mask"),
    )
    plain, strict = count_scores(Given(probabilities), [pair], [0.5, 0.7])  # type: ignore[arg-type]
    assert (plain["mae"], plain["game4"], plain["f_score_10px"]) == (0, 2, 0.5)
    assert (strict["mae"], strict["game4"], strict["f_score_10px"]) == (1, 1, pytest.approx(2 / 3))
    assert strict["dice_global"] == pytest.approx(32 / 48)


@pytest.mark.parametrize("seed", range(3))
def test_both_forms_of_the_loss_have_the_same_value_and_gradient(seed: int) -> None:
    logits, target = speed.half_trained(3, 72, 6, seed=seed)
    ours, theirs = (speed._step(loss, logits, target) for loss in (lcfcn_loss, speed.published_form))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    assert torch.allclose(ours[1], theirs[1], rtol=1e-4, atol=1e-6)


def test_the_speed_of_the_loss_is_written_with_its_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZE", 64)
    monkeypatch.setattr(speed, "REPEATS", 2)
    threads = torch.get_num_threads()
    assert main(["bench", "lcfcn-loss", "--output", str(tmp_path)]) in (None, 0)
    figures = json.loads((tmp_path / "lcfcn-loss.json").read_text())
    assert figures["loss"] == pytest.approx(figures["reference_loss"], rel=1e-5)
    assert 0 < figures["fastest_milliseconds"] <= figures["milliseconds"]
    assert figures["reference_milliseconds"] > 0
    assert sum(figures["profile"].values()) == pytest.approx(1, abs=0.01)
    assert (figures["threads"], torch.get_num_threads()) == (1, threads)
