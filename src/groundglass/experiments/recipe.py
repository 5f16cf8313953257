"""Recipes: experiments as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from groundglass.errors import InputError
from groundglass.experiments.config import Config

DEFAULT_NAMES = {"method": Config.method, "network": Config.network}
"""What a recipe is of that does not say so."""


def recipe_folder() -> Path:
    """Where the recipes that come with the package are."""
    package = Path(str(files("groundglass")))
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parents[1] / "recipes"


def find_recipe(recipe: str | Path) -> Path:
    """The file of a recipe: a path, or the name of one that comes with the package.

    Raises:
        InputError: If there is none, naming those that come with the package.
    """
    for path in (Path(recipe), recipe_folder() / f"{recipe}.yaml"):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in recipe_folder().glob("*.yaml")))
    raise InputError(f"{recipe}: there is no such recipe; give a YAML file or one of {names}")


def read_recipe(recipe: str | Path) -> dict[str, Any]:
    """The keys of a recipe.

    Raises:
        InputError: If it is missing or not YAML.
    """
    path = find_recipe(recipe)
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a recipe is a list of 'key: value' lines, see 'groundglass train --help'")
    return content


def load_recipe(recipe: str | Path, overrides: dict[str, Any] | None = None) -> Config:
    """A recipe as a config, with some keys changed; nested keys are merged as in :func:`merged`.

    Raises:
        InputError: If it is missing or not YAML, a key is unknown or a value is of the wrong kind.
    """
    try:
        return Config.from_dict(merged({**DEFAULT_NAMES, **read_recipe(recipe)}, overrides or {}))
    except InputError as error:
        raise InputError(f"{find_recipe(recipe)}: {error}") from error


def merged(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Some keys of a recipe changed; nested keys one by one.

    Where another method, network or segmenter is named, the options of the one before are dropped: they are not its.
    """
    changed = {key: value for key, value in base.items() if not _of_another(key, base, overrides)}
    for key, value in overrides.items():
        both = isinstance(value, dict) and isinstance(changed.get(key), dict)
        changed[key] = merged(changed[key], value) if both else value
    return changed


def _of_another(key: str, base: Mapping[str, Any], overrides: Mapping[str, Any]) -> bool:
    """Whether ``key`` holds the options of what is called otherwise now: ``network_options`` of ``network``."""
    name = key.removesuffix("_options")
    return name != key and name in base and overrides.get(name, base[name]) != base[name]
