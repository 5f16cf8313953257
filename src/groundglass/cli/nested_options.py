"""Options of a method or network on the command line, merged with the recipe's one by one, as in Python."""

from __future__ import annotations

import json
from typing import Any

from jsonargparse import ArgumentParser

from groundglass.experiments.recipe import DEFAULT_NAMES
from groundglass.experiments.recipe import merged
from groundglass.experiments.recipe import read_recipe

FREE = ("method_options", "network_options")
"""Keys of a recipe that hold whatever their method or network has. The parser, given one of the lines within a line of
these, would forget those beside it."""


def merge_nested(argv: list[str]) -> list[str]:
    """Arguments of ``train`` with each of :data:`FREE` whole, recipe and command line merged, and recipes first.

    What is said on the command line holds, wherever the recipe stands.
    """
    recipes, others, given = _sorted(argv[1:])
    before: dict[str, Any] = dict(DEFAULT_NAMES)
    for recipe in recipes:
        before |= read_recipe(recipe)
    after = merged(before, given)
    changed = [key for key in FREE if after.get(key) != before.get(key)]
    wholes = [text for key in changed for text in (f"--{key}", json.dumps(after.get(key, {}), default=str))]
    return [*argv[:1], *(text for recipe in recipes for text in ("--recipe", recipe)), *wholes, *others]


def _sorted(arguments: list[str]) -> tuple[list[str], list[str], dict[str, Any]]:
    """Recipes, all other arguments, and what is given for :data:`FREE` and their names, which are others too."""
    recipes: list[str] = []
    others: list[str] = []
    given: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        path, value = _option(argument, rest)
        if path is None:
            others.append(argument)
            continue
        if value is None:
            value = rest.pop(0)
        if path == ["recipe"]:
            recipes.append(value)
        elif path[0] in FREE:
            given = merged(given, _nested(path, _plain(value)))
        else:
            given[path[0]] = value
            others.append(f"--{path[0]}={value}")
    return recipes, others, given


def _option(argument: str, rest: list[str]) -> tuple[list[str] | None, str | None]:
    """The keys of an option that is merged, and its value if it is in the same argument; else no keys."""
    option, equals, value = argument.partition("=")
    path = option.removeprefix("--").split(".")
    ours = path[0] in FREE or option in ("--recipe", "--method", "--network")
    missing = not equals and (not rest or rest[0].startswith("--"))  # which the parser says
    if not option.startswith("--") or not ours or missing:
        return None, None
    return path, value if equals else None


def _nested(path: list[str], value: Any) -> Any:
    """``{"a": {"b": value}}`` of ``["a", "b"]``."""
    return {path[0]: _nested(path[1:], value)} if path else value


def _plain(text: str) -> Any:
    """A value as the command line has them: numbers, lists and so on in YAML, else text."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=Any)
    return parser.parse_args([f"--value={text}"]).value
