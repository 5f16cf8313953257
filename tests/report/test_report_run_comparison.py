"""Runs over seeds in a table: what makes a line, what it says, and what cannot stand beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_runs import write_run

from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.report.comparable import check_comparable
from groundglass.report.markdown import mean_sd
from groundglass.report.run_comparison import FEW_SEEDS
from groundglass.report.run_comparison import comparison_csv
from groundglass.report.run_comparison import comparison_markdown
from groundglass.training.finished import FinishedRun
from groundglass.training.finished import read_finished

Make = Callable[..., FinishedRun]
SEEDS = {0: 0.4, 1: 0.5, 2: 0.6}


@pytest.fixture
def make(tmp_path: Path, small_config: Callable[..., Config]) -> Make:
    def finished(name: str, changes: dict[str, object], **result: object) -> FinishedRun:
        return read_finished(write_run(tmp_path / name, small_config(**changes), **result))  # type: ignore[arg-type]

    return finished


def table(markdown: str) -> list[dict[str, str]]:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in markdown.splitlines() if "|" in line]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_mean_and_sd() -> None:
    assert mean_sd([0.5]) == "0.500"
    assert mean_sd([0.4, 0.6]) == "0.500 ± 0.141"
    assert mean_sd([0.4, None]) == "-"


def test_seeds_of_a_recipe_are_one_line(make: Make) -> None:
    runs = [make(f"a{seed}", {"seed": seed}, metrics={"dice_global": dice}) for seed, dice in SEEDS.items()]
    runs += [make(f"b{seed}", {"seed": seed, "epochs": 9}, train_seconds=10.0 * seed) for seed in range(3)]
    first, second = table(comparison_markdown(runs))
    assert (first["method"], first["network"], first["seeds"]) == ("points", "plain-unet", "3")
    assert (first["settings"], second["settings"]) == ("epochs 2", "epochs 9")
    assert (first["Dice"], second["Dice"]) == ("0.500 ± 0.100", "0.500 ± 0.000")
    assert (first["labels (s)"], first["training (s)"], second["training (s)"]) == ("2070", "100", "10")
    assert FEW_SEEDS not in comparison_markdown(runs)


def test_of_too_few_seeds_it_is_said_that_differences_are_chance(make: Make) -> None:
    shown = comparison_markdown([make("a", {"seed": 0}), make("b", {"seed": 1})])
    assert FEW_SEEDS in shown
    (line,) = table(comparison_markdown([make("c", {})]))
    assert "settings" not in line
    assert (line["seeds"], line["Dice"], line["AP"]) == ("1", "0.500", "0.550")


def test_options_are_compared_among_lines_of_one_method(make: Make) -> None:
    balanced = {"method_options": {"reduction": "balanced"}}
    runs = [make("a", balanced), make("b", {"method": "full"})]
    assert "settings" not in table(comparison_markdown(runs))[0]
    runs.append(make("c", {}))
    shown = [line["settings"] for line in table(comparison_markdown(runs))]
    assert shown == ["method_options.reduction balanced", "-", "-"]


def test_more_labels_are_another_line(make: Make) -> None:
    runs = [make("a", {}), make("b", {"seed": 1}, labels_hash="more", label_seconds=3000.0)]
    assert [line["settings"] for line in table(comparison_markdown(runs))] == ["labels_hash abc", "labels_hash more"]


def test_what_is_not_defined_is_a_dash_and_an_empty_cell(make: Make) -> None:
    runs = [make("a", {}, metrics={"ppv": None}), make("b", {"seed": 1})]
    assert table(comparison_markdown(runs))[0]["PPV"] == "-"
    (row,) = csv.DictReader(comparison_csv(runs).splitlines())
    assert (row["ppv"], row["ppv_sd_over_seeds"]) == ("", "")
    assert (row["dice_case"], row["dice_case_sd_over_seeds"]) == ("0.40000", "0.00000")
    assert (row["seeds"], row["label_seconds"]) == ("2", "2070.0")


def test_a_bar_in_a_setting_stays_in_its_cell(make: Make) -> None:
    runs = [make("a", {"network_options": {"weights": "x|y"}}), make("b", {})]
    assert r"network_options.weights x\|y" in comparison_markdown(runs)
    assert "network_options.weights x|y" in comparison_csv(runs)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            {"split_hash": "other"},
            r"b: was tested on other cases than .*a \(blobs, split other, not blobs, .*5p1it\)",
        ),
        ({"dataset": "other"}, "b: was tested on other cases than"),
        ({"n_cases": 4}, "b: was tested on 4 cases and .*a on 5"),
    ],
)
def test_runs_on_other_cases_are_refused(result: dict[str, object], message: str, make: Make) -> None:
    with pytest.raises(InputError, match=message):
        check_comparable([make("a", {}), make("b", {"seed": 1}, **result)])


def test_a_run_counts_once(make: Make) -> None:
    runs = [make("a", {}), make("b", {"seed": 1})]
    check_comparable(runs)
    with pytest.raises(InputError, match=r"a: has the recipe, the labels and the seed of .*a, so it would count twice"):
        check_comparable([*runs, runs[0]])
    with pytest.raises(InputError, match=r"copy: .*would count twice"):
        check_comparable([*runs, make("copy", {})])


def test_runs_without_test_figures_are_refused(make: Make) -> None:
    run = make("a", {})
    run.result["metrics"].clear()
    with pytest.raises(InputError, match="a: has no test figures, as no test case had a mask"):
        check_comparable([run])
