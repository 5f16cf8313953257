"""Options within options on the command line change what they name and nothing beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundglass.cli import build_parser
from groundglass.cli.train import resolve_recipes
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe


def parsed(*options: str) -> Config:
    """The recipe that 'groundglass train' makes of a command line."""
    argv = resolve_recipes(["train", "data", "-o", "run", *options])
    arguments = build_parser(argv).parse_args(argv)["train"].as_dict()
    return Config.from_dict({key: arguments[key] for key in Config.__dataclass_fields__})


FUSION = ("--recipe", "attention-fusion")
OPTIONS = "--method_options.segmenter_options"


@pytest.mark.parametrize(
    ("recipe", "options", "changes"),
    [
        (
            "attention-fusion",
            [f"{OPTIONS}.fe", "false", f"{OPTIONS}.dropout=1e-1"],
            {"method_options": {"segmenter_options": {"fe": False, "dropout": 0.1}}},
        ),
        (
            "attention-fusion",
            ["--method_options", "{stage1_epochs: 3}", "--method_options.gamma", "-1"],
            {"method_options": {"stage1_epochs": 3, "gamma": -1}},
        ),
        (
            "attention-fusion",
            ["--method_options.segmenter", "unet", f"{OPTIONS}.stride", "2"],
            {"method_options": {"segmenter": "unet", "segmenter_options": {"stride": 2}}},
        ),
        ("attention-fusion", ["--network", "unet"], {"network": "unet"}),
        ("gasnet", ["--method_options.generator.base", "2"], {"method_options": {"generator": {"base": 2}}}),
        ("active", ["--method=points"], {"method": "points"}),
        ("active", ["--network", "unet"], {}),
        ("active", ["--network_options.stride", "4"], {"network_options": {"stride": 4}}),
        ("active", ["--grow.radius", "0.2", "--settings.lr", "2"], {"grow": {"radius": 0.2}, "settings": {"lr": 2.0}}),
    ],
)
def test_the_command_line_and_python_make_the_same_recipe(
    recipe: str, options: list[str], changes: dict[str, Any]
) -> None:
    expected = load_recipe(recipe, changes)
    assert parsed("--recipe", recipe, *options) == expected
    assert parsed(*options, f"--recipe={recipe}") == expected


def test_a_nested_option_leaves_those_beside_it() -> None:
    options = parsed(*FUSION, f"{OPTIONS}.fe", "false").method_options
    assert options["segmenter_options"] == {"channels": [16, 32, 64, 128, 256], "expansion": 2, "fe": False}
    assert options["stage1_epochs"] == 5


def test_options_of_one_segmenter_are_not_given_to_another() -> None:
    options = parsed(*FUSION, "--method_options.segmenter", "unet").method_options
    assert "segmenter_options" not in options
    assert parsed(*FUSION, "--method_options.segmenter", "light-unet") == load_recipe("attention-fusion")


def test_of_two_recipes_the_later_holds(tmp_path: Path) -> None:
    (tmp_path / "second.yaml").write_text("method_options: {stage1_epochs: 7}\n")
    config = parsed(*FUSION, "--recipe", str(tmp_path / "second.yaml"), "--method_options.gamma", "1")
    assert (config.method, config.network, config.network_options) == (
        "attention-fusion",
        "classifier",
        {"attention": True},
    )
    assert config.method_options == {"stage1_epochs": 7, "gamma": 1}
