"""What there is to choose from is in the reference: recipes, networks, methods, layouts, verbs and experiments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from groundglass.cli import VERBS
from groundglass.cli.bench import EXPERIMENTS
from groundglass.datasets.catalog import LAYOUTS
from groundglass.experiments.recipe import recipe_folder
from groundglass.methods import METHODS
from groundglass.networks import NETWORKS

DOCS = Path(__file__).parents[1] / "docs"
RECIPES = [path.stem for path in recipe_folder().glob("*.yaml")]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("reference/methods.md", RECIPES),
        ("reference/methods.md", METHODS.entries),
        ("reference/methods.md", NETWORKS.entries),
        ("how-to/own-data.md", LAYOUTS.entries),
        ("reference/commands.md", VERBS),
        ("reference/commands.md", EXPERIMENTS),
    ],
)
def test_everything_is_named(page: str, names: Iterable[str]) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []
