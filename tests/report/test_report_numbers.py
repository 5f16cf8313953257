"""How numbers are written."""

from __future__ import annotations

import numpy as np
import pytest

from groundglass.report.numbers import axis_direction
from groundglass.report.numbers import milliliters
from groundglass.report.numbers import percent
from groundglass.report.numbers import whole


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\u2013"), (0, "0"), (0.01, "< 0.1"), (3.25, "3.2"), (9.96, "10"), (12.6, "13"), (4210.4, "4 210")],
)
def test_milliliters(value: float | None, text: str) -> None:
    assert " ".join(milliliters(value).split()) == text


@pytest.mark.parametrize(("value", "text"), [(None, "\u2013"), (0, "0.0 %"), (0.01, "< 0.1 %"), (12.34, "12.3 %")])
def test_percent(value: float | None, text: str) -> None:
    assert " ".join(percent(value).split()) == text


def test_signs_and_directions() -> None:
    assert [whole(value) for value in (-469.4, -0.2, 3)] == ["\u2212469", "0", "3"]
    assert axis_direction(np.array([0.1, 0.2, -5])) == "head to feet"
    assert axis_direction(np.array([3, 0.2, -1])) == "right to left"
