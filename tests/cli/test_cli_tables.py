"""Figures on the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from groundglass.cli.tables import COLUMNS
from groundglass.cli.tables import figures_table

METRICS = dict.fromkeys(COLUMNS, 0.123) | {"average_precision": 0.456, "ppv": None}


@pytest.mark.parametrize("more", [{}, {"label_seconds": 34570.2}])
def test_a_table_fits_80_columns_with_all_its_figures(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ("attention-fusion", "decomposition at 0.0123, the run's own")
    figures_table({name: {"metrics": METRICS, **more} for name in names})
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    (line,) = [line for line in shown.splitlines() if "attention-fusion" in line]
    assert line.split()[1:] == ["0.123"] * 3 + ["-"] + ["0.123"] * 2 + ["0.456"] + ["34570"] * bool(more)
    assert ("labels" in shown) == bool(more)


def test_figures_that_a_result_does_not_have_are_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    figures_table({"before": {"metrics": {"dice_global": 0.5}}})
    assert capsys.readouterr().out.split("before")[1].split()[:7] == ["0.500", *["-"] * 6]
