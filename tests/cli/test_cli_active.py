"""``groundglass active``: the table, the curve, and mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser

from groundglass.active.cycle import ActiveLearning
from groundglass.cli import active
from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    content: dict[str, Any] = {
        "method": "points",
        "network": "plain-unet",
        "network_options": {"channels": [4, 8], "dropout": 0.5},
        "grid": {"size": [32, 32]},
        "epochs": 1,
    }
    path = tmp_path / "quick.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def run(*argv: str) -> None:
    parser = ArgumentParser(exit_on_error=False)
    active.add_arguments(parser)
    active.run(parser.parse_args(list(argv)))


def test_a_run_shows_its_cycles_and_leaves_its_curve(
    blobs: DatasetFolder, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    options = ["--budget-seconds", "40", "--regions", "9", "--initial-images", "1", "--draws", "2"]
    options += ["--recipe", str(recipe), "--settings", '{"max_cycles": 2, "diverse": false}']
    run(str(blobs.root), "-o", str(output), *options)
    shown = capsys.readouterr().out
    assert "lesions" in shown
    assert "Budget 40 s" in shown
    assert f"{output}: the last cycle is done" in " ".join(shown.split())
    record = json.loads((output / "curve.json").read_text())
    assert [seconds for seconds, _ in record["curve"]] == [27, 39]
    assert record["settings"]["diverse"] is False
    assert (output / "figures" / "curve.png").exists()
    run("--root", str(blobs.root), "-o", str(output), *options, "--resume", "--quiet")
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError, match="go on with it by --resume"):
        run(str(blobs.root), "-o", str(output), *options)


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_run_that_is_stopped_leaves_its_curve_so_far(
    blobs: DatasetFolder, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: list[str]
) -> None:
    train = ActiveLearning._train

    def stop_in_the_third(learning: ActiveLearning) -> None:
        if len(learning.state.cycles) == 2:
            raise KeyboardInterrupt
        train(learning)

    monkeypatch.setattr(ActiveLearning, "_train", stop_in_the_third)
    options = ["--budget-seconds", "80", "--regions", "9", "--initial-images", "1", "--draws", "2"]
    with pytest.raises(KeyboardInterrupt):
        run(str(blobs.root), "-o", str(tmp_path / "run"), *options, "--recipe", str(recipe), *quiet)
    record = json.loads((tmp_path / "run" / "curve.json").read_text())
    assert [cycle["cycle"] for cycle in record["cycles"]] == [0, 1]
    assert record["finished"] == ""
    assert (tmp_path / "run" / "figures" / "curve.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--acquisition", "guess"], "there is no acquisition called 'guess'"),
        (["--answer", "scribble"], "active learning: .*answer"),
        (["--regions", "5"], "5 regions: give a perfect square"),
        (["--settings", '{"speed": 3}'], "active learning: .*speed"),
        (["--recipe", "nothing"], "nothing: there is no such recipe"),
        (
            ["--regions", "9", "--settings", '{"regions": 4}'],
            "--settings: regions has an option of its own; take it out and give --regions instead",
        ),
        (["--settings", '{"query_size": 4}'], "give --query-size instead"),
        (["-o", "/proc/none/run"], "/proc/none/run: the run folder cannot be made .*; choose another --output"),
    ],
)
def test_mistakes_are_one_sentence(blobs: DatasetFolder, tmp_path: Path, options: list[str], message: str) -> None:
    overrides = '{"network": "plain-unet", "network_options": {"channels": [4, 8], "dropout": 0.5}}'
    with pytest.raises(InputError, match=message) as error:
        run(str(blobs.root), "-o", str(tmp_path / "x"), "--budget-seconds", "9", "--overrides", overrides, *options)
    assert "\n" not in " ".join(str(error.value).split())


def test_a_budget_is_to_be_given_and_the_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["active", "data"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "groundglass: --budget-seconds: say how much annotation time to spend, as in --budget-seconds 1800\n"
    )


@pytest.mark.parametrize("given", [[], ["a", "--root", "b"]])
def test_one_dataset_is_named(given: list[str]) -> None:
    with pytest.raises(InputError, match="name one dataset"):
        run(*given, "--budget-seconds", "9")
