"""Active-learning benchmarks: pools of whole runs, figures that are run once, and the headline's share."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundglass.bench import active_speed
from groundglass.bench.active import _finished
from groundglass.bench.active import active
from groundglass.bench.active_figures import _arms
from groundglass.bench.active_figures import draw_experiments
from groundglass.bench.active_pool import pool_dataset
from groundglass.bench.active_pool import whole_runs
from groundglass.bench.active_tables import headline
from groundglass.bench.active_tables import mean_curve
from groundglass.bench.active_tables import mean_dice
from groundglass.bench.active_tables import share_of_cost
from groundglass.bench.active_tables import shares_table
from groundglass.bench.active_tables import summary
from groundglass.bench.annotator_speed import annotator_speed
from groundglass.errors import InputError
from groundglass.experiments.config import Config

SMALL = {
    "network": "plain-unet",
    "network_options": {"channels": [4, 8], "dropout": 0.5},
    "grid": {"size": [32, 32]},
    "epoch_samples": 8,
}
QUICK = {"budget_seconds": 200.0, "max_cycles": 2, "query_size": 2, "draws": 2, "lungs_only": False}


def cells(root: Path) -> Path:
    """A folder in the layout of covidcell: runs of 2, 3 and 1 slices of each kind, and of one for the other parts."""
    rng = np.random.default_rng(0)
    rows = []
    for kind in ("lesion", "normal"):
        (root / kind).mkdir(parents=True)
        for run, (part, count) in enumerate([("train", 2), ("train", 3), ("train", 1), ("val", 1), ("test", 1)]):
            rows += [(kind, len(rows) + number, run, part) for number in range(count)]
    (root / "mask_annotator_a").mkdir()
    for kind, number, _, _ in rows:
        mask = np.zeros((40, 40), np.uint8)
        mask[10:18, 8 + number % 8 : 20] = 255
        lesion = mask // 2 if kind == "lesion" else np.zeros_like(mask)
        image = lesion + rng.integers(1, 60, mask.shape).astype(np.uint8)
        Image.fromarray(image).save(root / kind / f"{kind}_{number}.png")
        if kind == "lesion":
            Image.fromarray(mask).save(root / "mask_annotator_a" / f"lesion_{number}.png")
    with (root / "runs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("kind", "id", "run", "split"), *rows])
    return root


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 2**31), st.data())
def test_whole_runs_add_up(depths: list[int], seed: int, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(depths))), unique=True))
    total = sum(depths[number] for number in chosen)
    found = whole_runs(depths, total, seed=seed)
    assert sum(depths[number] for number in found) == total
    assert len(set(found)) == len(found)


def test_runs_that_cannot_add_up_are_refused() -> None:
    with pytest.raises(InputError, match="no whole runs of 3 slices together"):
        whole_runs([2, 2, 4], 3)


def test_the_pool_has_as_many_slices_of_each_kind_and_whole_runs(tmp_path: Path) -> None:
    folder = pool_dataset("covidcell", cells(tmp_path / "covidcell"), tmp_path / "work", half=4)
    again = pool_dataset("covidcell", tmp_path / "covidcell", tmp_path / "work", half=4)
    assert again.split == folder.split
    depths = {case.case: folder.scan(case).shape[0] for case in folder.split.training}
    for kind in ("lesion", "normal"):
        assert sorted(depth for name, depth in depths.items() if name.startswith(kind)) == [1, 3]
    assert all(case.slices is None for case in folder.split.training)
    assert len(folder.split.validation) == len(folder.split.test) == 2
    assert {label.case for label in folder.store.read()} == set(depths), "only the pool's masks are labels"


def test_figures_are_run_once_and_the_headline_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "groundglass.bench.active_full.load_recipe", lambda _, keys: Config(method="full", **full(keys))
    )
    monkeypatch.setattr("groundglass.bench.active_pool.HALF", 4)
    root = tmp_path / "data"
    pool_dataset("covidcell", cells(root / "covidcell"), tmp_path / "work", half=4)
    places = {"output": tmp_path / "results", "work": tmp_path / "work"}
    chosen = {
        "pools": ["covidcell"],
        "arms": ["entropy-k64-point"],
        "seeds": [0],
        "settings": QUICK,
        "overrides": SMALL,
        "quiet": True,
    }
    text = active("headline", root, **places, **chosen)
    assert "| entropy | 64 | point | 1 |" in text
    path = tmp_path / "results" / "headline-entropy-k64-point-seed0.json"
    result = json.loads(path.read_text())
    wanted = {"experiment", "acquisition", "regions", "answer", "dataset", "split_hash", "seed", "full_dice"}
    assert wanted | {"full_seconds", "curve", "versions", "command"} <= set(result)
    words = shlex.split(result["command"])
    assert words[:3] == ["groundglass", "bench", "headline"]
    assert json.loads(words[words.index("--overrides") + 1]) == SMALL
    assert result["full_seconds"] == 8 * 96
    assert [seconds for seconds, _ in result["curve"]] == [192, 198], "200 s pay for two answers more"
    assert result["dataset"] == "covidcell-pool"
    share = json.loads((tmp_path / "results" / "headline.json").read_text())
    assert set(share["per_seed"]) == {"0"}
    assert "fraction_of_full_cost_at_90_percent" in share
    assert share["at_threshold"]["full_dice"] == {"0": result["full_dice_at_threshold"]}
    assert "Dice at 0.5, mean from 192 to 198 s" in text
    assert "| Dice | seed 0 | mean | the seeds' mean curve |" in text
    assert (tmp_path / "results" / "headline.png").stat().st_size > 3000
    stamp = path.stat().st_mtime_ns
    assert active("headline", root, **places, **chosen) == text
    assert path.stat().st_mtime_ns == stamp
    weights = tmp_path / "work" / "covidcell" / "headline" / "entropy-k64-point-seed0" / "checkpoints" / "last.ckpt"
    stamp = weights.stat().st_mtime_ns
    less = {**QUICK, "budget_seconds": 195.0}
    active("fig5", root, **places, **{**chosen, "settings": less})
    cut = json.loads((tmp_path / "results" / "fig5-entropy-k64-point-seed0.json").read_text())
    assert cut["curve"] == result["curve"][:1]
    assert cut["curve_at_threshold"] == result["curve_at_threshold"][:1]
    cycle = result["cycles"][0]
    assert cycle["dice_global"] == result["curve"][0][1]
    assert cycle["dice_global_at_threshold"] == result["curve_at_threshold"][0][1]
    assert len(cut["cycles"]) == 1
    assert weights.stat().st_mtime_ns == stamp, "what the headline has run is not run again"
    assert not (tmp_path / "work" / "covidcell" / "figures").exists()


def test_a_headline_run_that_has_not_come_to_its_end_serves_no_figure(tmp_path: Path) -> None:
    assert _finished(tmp_path) is None
    for finished in ("", "the budget is spent"):
        (tmp_path / "curve.json").write_text(json.dumps({"finished": finished}))
        assert (_finished(tmp_path) is not None) == bool(finished)


def test_a_run_serves_all_figures_it_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "groundglass.bench.active_full.load_recipe", lambda _, keys: Config(method="full", **full(keys))
    )
    root = tmp_path / "data"
    pool_dataset("covidcell", cells(root / "covidcell"), tmp_path / "work", half=4)
    places = {"output": tmp_path / "results", "work": tmp_path / "work"}
    chosen = {"pools": ["covidcell"], "arms": ["entropy-k64-point"], "seeds": [0], "quiet": True}
    stamps = []
    for name in ("fig5", "fig7"):
        active(name, root, **places, **chosen, settings=QUICK, overrides=SMALL)
        weights = tmp_path / "work/covidcell/figures/entropy-k64-point-seed0/checkpoints/last.ckpt"
        stamps.append(weights.stat().st_mtime_ns)
    assert stamps[0] == stamps[1]
    first, second = (
        json.loads((tmp_path / "results" / f"{name}-entropy-k64-point-seed0.json").read_text())
        for name in ("fig5", "fig7")
    )
    assert first["curve"] == second["curve"]


def full(keys: dict[str, object]) -> dict[str, object]:
    config = Config.from_dict(keys)
    return {key: getattr(config, key) for key in keys} | {"epochs": 1}


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no experiment 'fig9'"):
        active("fig9", tmp_path, output=tmp_path, work=tmp_path)
    with pytest.raises(InputError, match="there is no pool 'here'"):
        active("fig5", tmp_path, output=tmp_path, work=tmp_path, pools=["here"])
    with pytest.raises(InputError, match=r"fig7 has no pool or arm 'here'; choose from covidcell, .*k64-pixels"):
        active("fig7", tmp_path, output=tmp_path, work=tmp_path, arms=["here"])


def result(seed: int, curve: list[tuple[float, float]], acquisition: str = "entropy") -> dict[str, object]:
    named = {"seed": seed, "acquisition": acquisition, "dataset": "pool", "full_seconds": 1000.0}
    better = [(seconds, dice + 0.1) for seconds, dice in curve]
    return named | {"curve": curve, "full_dice": 0.8, "curve_at_threshold": better, "full_dice_at_threshold": 0.7}


def test_the_headline_is_the_mean_of_the_seeds_shares() -> None:
    reached = result(0, [(10, 0.3), (30, 0.73), (50, 0.6)])
    later = result(1, [(10, 0.46), (70, 0.72)])
    never = result(2, [(10, 0.3), (70, 0.71)])
    random = result(0, [(10, 0.3), (90, 0.75)], "random")
    assert share_of_cost(reached) == 0.03
    both = headline([reached, later, random])
    assert both["fraction_of_full_cost_at_90_percent"] == 0.05
    assert both["per_seed"] == {"0": 0.03, "1": 0.07}
    assert both["others"] == {"random": {"mean": 0.09, "per_seed": {"0": 0.09}}}
    chosen = both["at_threshold"]
    assert chosen["per_seed"] == {"0": 0.03, "1": 0.07}
    assert chosen["full_dice"] == {"0": 0.7, "1": 0.7}
    assert headline([reached, never])["at_threshold"]["fraction_of_full_cost_at_90_percent"] == 0.05
    assert headline([reached, never])["fraction_of_full_cost_at_90_percent"] is None
    assert headline([random])["fraction_of_full_cost_at_90_percent"] is None


def test_a_table_has_both_thresholds_and_full_supervision() -> None:
    curves = ([(10, 0.2), (30, 0.4)], [(10, 0.4), (20, 0.6)])
    arm = {"regions": 64, "answer": "point"}
    lines = summary([result(seed, curve) | arm for seed, curve in enumerate(curves)]).splitlines()
    assert "Dice at 0.5, mean from 10 to 30 s | the same, at the end |" in lines[0]
    spreads = "0.425 ± 0.177 | 0.500 ± 0.141 | 0.525 ± 0.177 | 0.600 ± 0.141"
    assert lines[2] == f"| entropy | 64 | point | 2 | 25 | {spreads} |", "a curve that ended keeps its last Dice"
    assert lines[3] == "| every mask drawn | - | - | 2 | 1000 | - | 0.800 ± 0.000 | - | 0.700 ± 0.000 |"


def test_a_picture_has_a_curve_for_each_arm_and_the_mean_over_its_seeds(tmp_path: Path) -> None:
    results = [result(0, [(10, 0.2), (30, 0.4)]), result(1, [(10, 0.4), (20, 0.6)]), result(0, [(9, 0.1)], "random")]
    seconds, dice = mean_curve(results[:2])
    assert seconds.tolist() == [10, 20, 30]
    np.testing.assert_allclose(dice, [[0.2, 0.3, 0.4], [0.4, 0.6, 0.6]])
    draw_experiments({"fig5": results}, tmp_path / "one.png")
    draw_experiments({"fig5": results, "headline": results}, tmp_path / "two.png")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert two.width > 1.5 * one.width
        colors = {color for _, color in one.convert("RGB").getcolors(one.width * one.height)}
    assert {(31, 119, 180), (255, 127, 14)} <= colors, "matplotlib's first two"
    assert list(_arms("fig5", results)) == ["entropy (2 seeds)", "random (1 seed)"]
    whole = result(0, [(9, 0.3)]) | {"regions": 1}
    assert list(_arms("fig6", [results[0] | {"regions": 64}, whole])) == ["K = 64 (1 seed)", "K = 1 (1 seed)"]


def test_the_mean_curve_has_a_share_of_its_own() -> None:
    late = result(0, [(10, 0.3), (30, 0.7), (50, 0.74)])
    early = result(1, [(10, 0.3), (30, 0.75), (50, 0.6)])
    share = headline([late, early])
    assert share["fraction_of_full_cost_at_90_percent"] == 0.04
    assert share["of_mean_curve"] == 0.03
    assert headline([late])["of_mean_curve"] == headline([late])["per_seed"]["0"] == 0.05
    longer = result(2, [(10, 0.3), (30, 0.6), (70, 0.9)])
    assert headline([early, longer])["of_mean_curve"] == 0.07, "a curve that ended keeps its last Dice"
    assert headline([result(0, [(10, 0.3)], "random")])["of_mean_curve"] is None
    assert shares_table(share).splitlines()[2] == ("| at 0.5 | 5.0 % | 3.0 % | 4.0 % | 3.0 % |")
    assert shares_table(headline([late, result(1, [(10, 0.3)])])).splitlines()[2].endswith("| 5.0 % | - | - | - |")


def test_mean_dice_weighs_by_time() -> None:
    assert mean_dice([(0, 0.0), (10, 1.0), (40, 1.0)]) == pytest.approx((5 + 30) / 40)
    assert mean_dice([(7, 0.4)]) == 0.4
    assert mean_dice([(0, 0.0), (10, 1.0)], 5, 10) == pytest.approx(0.75), "on the line between two trainings"
    assert mean_dice([(0, 0.0), (10, 1.0)], 10, 30) == 1, "nothing is left to ask: the Dice stays"
    assert mean_dice([(0, 0.5), (10, 0.7), (20, 0.1)], 10, 10) == 0.7


def test_speed_is_measured_with_a_real_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"slices": 6, "side": 64, "clicks": 20}
    monkeypatch.setattr(active_speed, "annotator_speed", lambda: annotator_speed(**small))
    pool = active_speed.pool_speed
    monkeypatch.setattr(active_speed, "pool_speed", lambda config: pool(config, slices=2, draws=2))
    path = tmp_path / "speed.json"
    measured = json.loads(active_speed.speed(path))
    assert measured == json.loads(path.read_text())
    assert (measured["pool_slices"], measured["pool_draws"], measured["size"]) == (2, 2, [192, 192])
    assert measured["pool_seconds"] > 0
    assert measured["pool_seconds_bf16"] > 0
    assert 0 < measured["click_ms_median"] <= measured["click_ms_p95"]
    assert measured["first_slice_seconds"] is None or measured["first_slice_seconds"] > 0
    assert {"threads", "machine", "versions", "command"} <= set(measured)
