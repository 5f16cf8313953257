"""Recipes: experiments as YAML."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from groundglass.errors import InputError
from groundglass.experiments.config import Config


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
    """A recipe as a config, with some keys changed; nested keys are merged.

    Raises:
        InputError: If a key is unknown or a value is of the wrong kind.
    """
    try:
        return Config.from_dict(merged(read_recipe(recipe), overrides or {}))
    except InputError as error:
        raise InputError(f"{find_recipe(recipe)}: {error}") from error


def merged(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Keys of a recipe with some changed; what is nested is merged too."""
    changed = dict(base)
    for key, value in overrides.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        changed[key] = merged(base[key], value) if both else value
    return changed
