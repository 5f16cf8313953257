"""The README says what is so: its commands parse, and its table is the committed results."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import groundglass
from groundglass.bench.results import BRIEF
from groundglass.bench.results import markdown_table
from groundglass.bench.results import read_results
from groundglass.bench.table2 import PAPER
from groundglass.cli import build_parser
from groundglass.cli.train import resolve_recipes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", page.read_text("utf-8"), flags=re.S)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("groundglass ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_parses(page: Path) -> None:
    for command in commands(page):
        argv = resolve_recipes(shlex.split(command)[1:])
        build_parser(argv).parse_args(argv)


def test_the_readme_shows_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 4


def test_the_readme_table_is_that_of_the_committed_results() -> None:
    results = [one for one in read_results(ROOT / "benchmarks" / "results" / "table2") if one["network"] == "unet"]
    assert markdown_table(results, PAPER, BRIEF) in README


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page}: {link}"


def test_public_names_can_be_imported() -> None:
    for name in groundglass.__all__:
        assert getattr(groundglass, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = groundglass.nothing_of_that_name


def test_brackets_are_quoted_as_they_are_file_patterns_for_the_shell() -> None:
    root = Path(__file__).parents[1]
    pages = [root / "README.md", *(root / "docs").rglob("*.md"), *(root / "src/groundglass/cli").glob("*.py")]
    assert [page.name for page in pages if re.search(r"--[\w.]+ \[", page.read_text("utf-8"))] == []
