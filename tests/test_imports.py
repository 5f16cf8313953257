"""What may import what: predictions and reports know nothing about single methods."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import groundglass

SOURCE = Path(groundglass.__file__).parent
SHARED = {"groundglass.methods", "groundglass.methods.method"}
"""The registry, and what all methods are."""


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("folder", ["prediction", "report"])
def test_no_single_method_is_known(folder: str) -> None:
    modules = list((SOURCE / folder).rglob("*.py"))
    assert len(modules) > 5
    known = {name for path in modules for name in imported(path) if name.startswith("groundglass.methods")}
    assert "groundglass.methods.method" in known
    assert known <= SHARED
