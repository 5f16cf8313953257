"""Figures of the documentation are those of committed results."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from groundglass.bench.active import _conclude
from groundglass.bench.active_arms import EXPERIMENTS
from groundglass.bench.active_arms import POOLS
from groundglass.bench.gasnet_tables import write_tables
from groundglass.bench.image_level_rows import FAMILIES
from groundglass.bench.image_level_tables import tables
from groundglass.bench.light_unet_ablation import write_table as write_ablation
from groundglass.bench.results import read_results
from groundglass.bench.results import write_table
from groundglass.bench.table2 import PAPER
from groundglass.bench.table7 import write_table as write_table7

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ACTIVE = ROOT / "docs" / "reference" / "active-learning.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CRITIC = "decomposition-no-opacities-critic"
SPREAD = re.compile(r"\d\.\d{3} ± \d\.\d{3}")
TABLES: dict[str, Callable[[Path], str]] = {
    "gasnet": write_tables,
    "table2": lambda folder: write_table(folder, PAPER),
    "table7": write_table7,
}


@pytest.mark.parametrize("name", TABLES)
def test_committed_tables_are_those_of_the_results(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(RESULTS / name, tmp_path / name)
    assert TABLES[name](folder) == (RESULTS / name / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_means_over_seeds_are_in_a_committed_table(page: Path) -> None:
    known = {figure for path in RESULTS.rglob("*.md") for figure in SPREAD.findall(path.read_text("utf-8"))}
    assert set(SPREAD.findall(page.read_text("utf-8"))) <= known


def test_the_curves_of_the_headline_are_those_of_its_results() -> None:
    page = ACTIVE.read_text("utf-8")
    paths = sorted((RESULTS / "active").glob("headline-entropy-k64-point-seed*.json"))
    results = [json.loads(path.read_text("utf-8")) for path in paths]
    for row in range(1, len(results[0]["curve"])):
        seconds = results[0]["curve"][row][0]
        dice = [f"{one[name][row][1]:.3f}" for one in results for name in ("curve", "curve_at_threshold")]
        share = f"{seconds / results[0]['full_seconds']:.1%}".replace("%", " %")
        assert f"| {seconds:.0f} | {share} | {' | '.join(dice)} |" in page
    full = [f"{one[name]:.3f}" for one in results for name in ("full_dice", "full_dice_at_threshold")]
    assert f"| 100 % | {' | '.join(full)} |" in page


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_tables_of_active_learning_are_those_of_the_results(experiment: str, pool: str, tmp_path: Path) -> None:
    committed = RESULTS / "active" / ("" if pool == "covidcell" else pool)
    folder = shutil.copytree(committed, tmp_path / "active")
    _conclude(experiment, folder, pool)
    for path in committed.glob(f"{experiment}.*"):
        assert (folder / path.name).read_text("utf-8") == path.read_text("utf-8")
    table = (committed / f"{experiment}.md").read_text("utf-8").split("\n\n", 1)[1]
    assert table.strip() in ACTIVE.read_text("utf-8")


def test_what_drawing_costs_is_as_measured() -> None:
    pools = json.loads((RESULTS / "active" / "drawing-cost.json").read_text("utf-8"))["pools"]
    page = " ".join(ACTIVE.read_text("utf-8").split())
    for sizes in pools.values():
        ours, papers = (f"{sizes[size]['seconds']:.1f} s" for size in ("96", "352"))
        assert re.search(rf"{ours} on average at 96 px and {papers} at (the paper's )?352 px", page)


def test_what_the_questions_found_is_as_counted() -> None:
    def clicked(name: str, cycle: int, seeds: tuple[int, ...] = (0, 1, 2)) -> list[int]:
        paths = [RESULTS / "active" / f"{name}-seed{seed}.json" for seed in seeds]
        return [json.loads(path.read_text("utf-8"))["cycles"][cycle]["lesion_answers"] for path in paths]

    page = " ".join(ACTIVE.read_text("utf-8").split())
    entropy, random = (clicked(f"medseg100/fig5-{name}-k64-point", -1) for name in ("entropy", "random"))
    told = ["{}, {} and {}".format(*counts) for counts in (entropy, random)]
    assert f"{told[0]} of 376 answers are a click on one, of random questions {told[1]}" in page
    whole, regions = (clicked(f"fig6-entropy-k{count}-point", 0, (0,))[0] for count in (1, 64))
    assert f"({whole} of the first 64 answers in seed 0, against {regions})" in page


def test_how_quick_it_is_is_as_measured() -> None:
    speed = json.loads((RESULTS / "active" / "speed.json").read_text("utf-8"))
    page, guide = (" ".join(path.read_text("utf-8").split()) for path in (ACTIVE, ROOT / "docs/how-to/annotate.md"))
    assert f"takes {speed['pool_seconds']:.1f} s, {speed['pool_seconds_bf16']:.1f} s in bfloat16" in page
    assert f"{speed['click_ms_p95']:.1f} ms (95th percentile of {speed['clicks']}; median" in page
    assert f"the first slice is there after {speed['first_slice_seconds']:.2f} s" in page
    assert f"within {speed['click_ms_p95']:.1f} ms (95th percentile), the first slice is seen after" in guide
    assert f"in {speed['pool_seconds']:.0f} s ({speed['pool_seconds_bf16']:.0f} s in bfloat16)" in guide


def test_the_tables_of_slice_tags_are_those_of_the_results() -> None:
    text = tables(read_results(RESULTS / "image-level"))
    assert text == (RESULTS / "image-level" / "table-image-level.md").read_text("utf-8")
    page = (ROOT / "docs" / "reference" / "image-level.md").read_text("utf-8")
    shown = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(shown) == 1 + len(FAMILIES)
    assert all(table in page for table in shown)


def test_what_is_told_of_slice_tags_seed_by_seed_is_as_measured() -> None:
    results = {(one["row"], one["seed"]): one for one in read_results(RESULTS / "image-level")}
    page = " ".join((ROOT / "docs" / "reference" / "image-level.md").read_text("utf-8").split())

    def seeds(row: str) -> list[str]:
        return [f"{results[row, seed]['metrics']['ap_a']:.3f}" for seed in range(3)]

    def pseudo(row: str) -> list[str]:
        return [f"{results[row, seed]['pseudo_masks']['dice_global']:.3f}" for seed in range(3)]

    def curve(row: str, seed: int = 0) -> list[str]:
        """Of validation, where a figure changes."""
        figures = [value for _, value in results[row, seed]["validation_curve"]]
        return [f"{figure:.3f}" for before, figure in pairwise([None, *figures]) if figure != before]

    def three(figures: list[str]) -> str:
        return "{}, {} and {}".format(*figures)

    by = "{}, {} and {} by average, {}, {} and {} by maximum, {}, {} and {} of the last map"
    for figures in (pseudo, seeds):
        fused = [one for row in ("", "-max", "-last") for one in figures(f"attention-fusion{row}")]
        assert by.format(*fused) in page
    ablated = [one for row in ("", "-no-fidelity", "-no-lesion-decoder") for one in seeds(f"{CRITIC}-10{row}")]
    whole = "{}, {} and {} whole, {}, {} and {} without normal fidelity, {}, {} and {} without the lesion decoder"
    assert whole.format(*ablated) in page
    assert three(seeds(f"{CRITIC}-1")) in page
    steep = [curve(f"{CRITIC}-100", seed) for seed in range(3)]
    assert f"up to {three([max(one) for one in steep])}, at the end {three([one[-1] for one in steep])}" in page
    still = [curve("decomposition-no-opacities", seed)[-1] for seed in range(3)]
    assert f"{three(seeds('decomposition-no-opacities'))}, from early epochs" in page
    assert f"they end at {three(still)}, where" in page
    long = results["attention-fusion-long", 0]["metrics"]["ap_a"]
    passes = "and by validation its first pass was the best: {}, then {}, {} and {}."
    assert f"gives {long:.3f} in seed 0, {passes.format(*curve('attention-fusion-long')[-4:])}" in page
    assert f"({', '.join(seeds('decomposition-no-critic'))})" in page
    ends = [
        three([curve(f"decomposition-{name}-small", seed)[-1] for seed in range(3)]) for name in ("released", "paper")
    ]
    assert f"end on validation at {ends[0]}, and at {ends[1]}" in page
    assert f"(`-from-scratch`: {three(seeds('decomposition-from-scratch'))})" in page
    steps = curve("decomposition")
    assert f"{steps[0]} after 20 steps, then {', '.join(steps[1:-1])} and {steps[-1]} after 100 to 600 steps" in page


def test_the_table_of_the_light_u_net_is_that_of_the_results(tmp_path: Path) -> None:
    folder = shutil.copytree(RESULTS / "light-unet-ablation", tmp_path / "light-unet-ablation")
    text = write_ablation(folder)
    assert text == (RESULTS / "light-unet-ablation" / "light-unet-ablation.md").read_text("utf-8")
    page = (ROOT / "docs" / "explanation" / "attention-fusion.md").read_text("utf-8")
    assert text.split("\n\n")[0] in page
    longer = {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in (RESULTS / f"{folder.name}-200-epochs").glob("*.json")
    }
    whole, baseline, plain = (
        f"{longer[f'{row}-seed0']['metrics']['dice_global']:.3f}" for row in ("fe-rc-mdppm", "baseline", "plain-unet")
    )
    said = f"whole light U-Net has {whole}, the baseline {baseline} and the plain U-Net {plain}"
    assert said in " ".join(page.split())


def test_the_headline_is_the_one_that_is_told() -> None:
    share = json.loads((RESULTS / "active" / "headline.json").read_text("utf-8"))
    mean = f"{100 * share['fraction_of_full_cost_at_90_percent']:.1f} %"
    assert f"90 % of full supervision's Dice for {mean} of its" in (ROOT / "README.md").read_text("utf-8")
    page = ACTIVE.read_text("utf-8")
    seeds = "{:.1f}, {:.1f} and {:.1f} %".format(*(100 * one for one in share["per_seed"].values()))
    assert f"is reached at {mean} of the cost** ({seeds};" in page


def test_grown_clicks_are_as_good_as_is_said() -> None:
    page = (ROOT / "docs" / "explanation" / "points-and-consistency.md").read_text("utf-8")
    result = json.loads((RESULTS / "click-growth.json").read_text("utf-8"))
    assert f"{result['clicks']:,} lesion slices" in page
    for name in ("default", "twice the radius", "no limit", "down to half the brightness", "vessels too"):
        found = result["growth"][name]
        figures = (f"{found[kind + '_pixels']:.1f} | {found[kind + '_right']:.1%}" for kind in ("lesion", "background"))
        assert f"| {' | '.join(figures)} |".replace("%", " %") in page
