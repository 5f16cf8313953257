from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import find_recipe
from groundglass.experiments.recipe import load_recipe
from groundglass.experiments.recipe import recipe_folder
from groundglass.labels.growth import Growth
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import NETWORKS

RECIPES = sorted(path.stem for path in recipe_folder().glob("*.yaml"))


def test_plain_values_become_a_config() -> None:
    config = Config.from_dict(
        {"grid": {"size": [64, 48], "crop": [40, 50]}, "settings": {"lr": 1e-4, "betas": [0.99, 0.999]}, "epochs": 3}
    )
    assert config.grid == Grid(size=(64, 48), crop=(40, 50))
    assert config.settings == TrainingSettings(lr=1e-4, betas=(0.99, 0.999))
    assert (config.epochs, config.batch_size) == (3, Config().batch_size)


def test_a_config_comes_back_from_its_plain_values_and_from_yaml() -> None:
    config = Config(method="points", labels=["point"], grid=Grid(crop=(40, 50)), network_options={"channels": [4, 8]})
    assert Config.from_dict(config.to_dict()) == config
    as_lists = yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(config.to_dict()))))
    assert Config.from_dict(as_lists) == config


def test_clicks_are_grown_if_a_recipe_says_so() -> None:
    assert Config.from_dict({}).grow is None
    assert Config.from_dict({"grow": None}).grow is None
    assert Config.from_dict({"grow": {}}).grow == Growth()
    config = Config.from_dict({"grow": {"radius": 0.2}})
    assert config.grow == Growth(radius=0.2)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(InputError, match="grow is for slices"):
        Config.from_dict({"grow": {}, "grid": {"depth": 16}})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"methd": "points"}, "methd"),
        ({"grid": {"sise": [64, 64]}}, "sise"),
        ({"settings": {"momentum": 0.9}}, "momentum"),
        ({"epochs": "many"}, "epochs"),
        ({"epochs": 2.5}, "epochs"),
        ({"settings": {"lr": "fast"}}, "settings.lr"),
        ({"grid": {"size": 64}}, "grid.size"),
        ({"grid": {"size": [8, 8]}}, "grid.size"),
        ({"grid": None}, "grid"),
        ({"grid": [64, 64]}, "grid"),
        ({"settings": 3}, "settings"),
        ({"grow": True}, "grow"),
        ({"grow": {"size": 1}}, "grow"),
        ({"grow": {"radius": 7}}, "grow.radius"),
        ({"labels": "point"}, "labels"),
        ({"method_options": [1]}, "method_options"),
        ({"select": "bset"}, "select"),
    ],
)
def test_an_unknown_key_or_a_value_of_the_wrong_type_is_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named.replace(".", r"\.")):
        Config.from_dict(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"epochs": "many"}, "recipe: epochs: expected a whole number, not 'many'"),
        ({"settings": {"lr": "fast"}}, "recipe: settings.lr: expected a number, not 'fast'"),
        ({"grid": {"size": 64}}, "recipe: grid.size: expected a list, not '64'"),
        ({"labels": "point"}, "recipe: labels: expected a list of names or null, not 'point'"),
        ({"method_options": 3}, "recipe: method_options: expected 'key: value' lines, not '3'"),
        ({"select": "bset"}, "recipe: select: expected one of best, last, not 'bset'"),
    ],
)
def test_a_value_of_the_wrong_type_is_said_in_words(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        Config.from_dict(content)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"epoch": 3}, "recipe: there is no key 'epoch'; choose from method, method_options, network"),
        ({"grid": {"siz": 64}}, "recipe: there is no key 'grid.siz'; choose from size, window, crop"),
        ({"grow": {"radiu": 1}}, "recipe: grow: expected 'key: value' lines or null"),
    ],
)
def test_an_unknown_key_is_answered_with_those_there_are(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        Config.from_dict(content)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("name", ["epochs", "epoch_samples", "batch_size", "patience", "validate_every"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_number_of_nothing_is_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"recipe: {name} must be 1 or more, not {value}"):
        Config.from_dict({name: value})


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_the_generators_refuse_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed must be between 0 and"):
        Config.from_dict({"seed": seed})


def test_there_are_recipes() -> None:
    assert {"pl", "cb-flip", "cb-flip-rot", "full"} <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_loads_and_its_options_are_those_of_its_method_and_network(name: str) -> None:
    config = load_recipe(name)
    small = {
        "classifier": {"encoder": "plain", "channels": [4, 8]},
        "decomposition": {"channels": [4, 8]},
        "map-generator": {"channels": [4, 8]},
    }
    stands_in = config.network if config.network in small else "plain-unet"
    network = NETWORKS.build(stands_in, small.get(stands_in, {"channels": [4]}))
    method = METHODS.build(config.method, config.method_options, network=network, settings=config.settings)
    assert method.uses
    assert set(config.network_options) <= set(NETWORKS.get(config.network).__init__.__annotations__)


def test_a_recipe_can_be_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("method: full\nsettings: {lr: 1e-3, power: 0}\n")
    assert find_recipe(path) == path
    config = load_recipe(str(path), {"settings": {"power": 0.5}, "seed": 3})
    assert (config.method, config.settings.lr, config.settings.power, config.seed) == ("full", 1e-3, 0.5, 3)


@pytest.mark.parametrize(
    ("recipe", "changes", "options"),
    [
        ("attention-fusion", {"method_options": {"segmenter": "unet"}}, None),
        (
            "attention-fusion",
            {"method_options": {"segmenter": "unet", "segmenter_options": {"stride": 2}}},
            {"stride": 2},
        ),
        ("attention-fusion", {"method_options": {"segmenter": "light-unet"}}, {"channels", "expansion"}),
    ],
)
def test_options_of_a_segmenter_go_with_it(recipe: str, changes: dict[str, Any], options: Any) -> None:
    found = load_recipe(recipe, changes).method_options.get("segmenter_options")
    assert (set(found) if isinstance(options, set) else found) == options


def test_options_of_a_network_or_method_go_with_it(tmp_path: Path) -> None:
    assert load_recipe("attention-fusion", {"network": "unet"}).network_options == {}
    assert load_recipe("attention-fusion", {"network": "classifier"}).network_options == {"attention": True}
    other = load_recipe("cb-flip", {"method": "points", "method_options": {"weight": 0.5}})
    assert other.method_options == {"weight": 0.5}
    (tmp_path / "default.yaml").write_text("network_options: {dropout: 0.1}\n")  # of the default network, unet
    for network, kept in (("unet", {"dropout": 0.1}), ("plain-unet", {})):
        assert load_recipe(tmp_path / "default.yaml", {"network": network}).network_options == kept


def test_an_empty_recipe_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    assert load_recipe(tmp_path / "empty.yaml") == Config()


def test_a_missing_recipe_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"cb-flop: there is no such recipe; give a YAML file or one of .*cb-flip-rot"):
        load_recipe("cb-flop")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"method: [", "not YAML"), (b"\xff\xfe\x00", "not YAML"), (b"- a\n- b\n", "'key: value' lines")],
)
def test_a_file_that_is_not_a_recipe_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(InputError, match=rf"mine\.yaml: .*{message}"):
        load_recipe(tmp_path / "mine.yaml")
