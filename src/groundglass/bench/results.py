"""Committed results, put together as tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from statistics import stdev
from typing import Any

from groundglass.files import write_text

FIGURES = ("dice_global", "iou", "ppv", "sensitivity", "specificity", "dice_case", "dice_global_8_orientations")
HEADER = (
    "method",
    "network",
    "seeds",
    "Dice",
    "IoU",
    "PPV",
    "sens.",
    "spec.",
    "Dice per case",
    "Dice, 8 orientations",
    "labels (s)",
    "training (s)",
    "paper: Dice / IoU / PPV / sens. / spec.",
)


def read_results(folder: Path) -> list[dict[str, Any]]:
    """The results below a folder."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def mean_sd(measured: Sequence[float | None]) -> str:
    """``mean ± sd`` over seeds, the value alone if there is one, a dash if a run has none (nothing was predicted)."""
    if any(value is None for value in measured):
        return "-"
    values = [value for value in measured if value is not None]
    return f"{mean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


def write_table(folder: Path, paper: Mapping[str, tuple[float, ...]]) -> str:
    """The Markdown table of the results in ``folder``, with the paper's figures beside, written there too.

    Args:
        folder: Where the results are; ``<folder's name>.md`` is written.
        paper: The paper's figures for each method; also the order of the rows.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in read_results(folder):
        groups[result["network"], result["method"]].append(result)
    order = list(paper)
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    for (network, method), results in sorted(groups.items(), key=lambda one: (one[0][0], order.index(one[0][1]))):
        figures = [mean_sd([result["metrics"][name] for result in results]) for name in FIGURES]
        seconds = [f"{mean(result[name] for result in results):.0f}" for name in ("label_seconds", "train_seconds")]
        cells = [method, network, str(len(results)), *figures, *seconds]
        lines.append(f"| {' | '.join(cells)} | {' / '.join(f'{value:.2f}' for value in paper[method])} |")
    machines = sorted({f"{result['machine']}, {result['threads']} threads" for result in read_results(folder)})
    table = "\n".join(lines) + f"\n\nMean ± sd over seeds. Machine: {'; '.join(machines)}.\n"
    write_text(folder / f"{folder.name}.md", table)
    return table
