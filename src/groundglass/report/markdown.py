"""Figures over seeds, and tables of them in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from statistics import mean
from statistics import stdev
from typing import Any


def spread(measured: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation over seeds.

    One seed has no spread; where a run has no figure (nothing was predicted), neither is defined.

    Example:
        >>> [spread(values) for values in ([0.25, 0.75], [0.5], [0.5, None])]
        [(0.5, 0.3535533905932738), (0.5, None), (None, None)]
    """
    values = [value for value in measured if value is not None]
    if len(values) < len(measured):
        return None, None
    return mean(values), stdev(values) if len(values) > 1 else None


def mean_sd(measured: Sequence[float | None]) -> str:
    """``mean ± sd`` over seeds, the value alone if there is one, a dash if a run has none."""
    average, sd = spread(measured)
    if average is None:
        return "-"
    return f"{average:.3f}" if sd is None else f"{average:.3f} ± {sd:.3f}"


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its cells as they are."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *lines])


def machines(results: Iterable[Mapping[str, Any]]) -> str:
    """What the runs were trained on, each machine once."""
    return "; ".join(sorted({f"{result['machine']}, {result['threads']} threads" for result in results}))
