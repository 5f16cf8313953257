"""Committed results, put together as tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from groundglass.files import write_text
from groundglass.report.markdown import machines
from groundglass.report.markdown import markdown
from groundglass.report.markdown import mean_sd

COLUMNS = {
    "dice_global": "Dice",
    "dice_global_at_threshold": "Dice at the threshold chosen on validation",
    "dice_global_8_orientations": "Dice, 8 orientations",
    "dice_case": "Dice per case",
    "iou": "IoU",
    "ppv": "PPV",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
BRIEF = ("dice_global", "dice_global_at_threshold", "dice_case", "ppv", "sensitivity")
"""Columns of the table that fits a README."""


def read_results(folder: Path) -> list[dict[str, Any]]:
    """The results below a folder."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def write_table(folder: Path, paper: Mapping[str, tuple[float, ...]]) -> str:
    """The Markdown table of the results in ``folder``, with the paper's figures beside, written there too.

    Args:
        folder: Where the results are; ``<folder's name>.md`` is written.
        paper: The paper's Dice, IoU, PPV, sensitivity and specificity of each method; also the order of the rows.
            Methods the paper does not have come last.
    """
    results = read_results(folder)
    table = f"{markdown_table(results, paper)}\n\nMean ± sd over seeds. Machine: {machines(results)}.\n"
    write_text(folder / f"{folder.name}.md", table)
    return table


def markdown_table(
    results: Sequence[dict[str, Any]],
    paper: Mapping[str, tuple[float, ...]],
    columns: Sequence[str] = tuple(COLUMNS),
) -> str:
    """A line for each network and method, in the paper's order."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["network"], result["method"]].append(result)
    titles = ["method", "network", "px", "epochs", "seeds", *(COLUMNS[name] for name in columns)]
    titles += ["labels (s)", "training (s)", "paper: Dice / IoU / PPV / sens. / spec."]
    order = list(paper)
    keys = sorted(
        groups,
        key=lambda key: (key[0] != "unet", key[0], order.index(key[1]) if key[1] in paper else len(order), key[1]),
    )
    return markdown(titles, [_row(*key, groups[key], paper.get(key[1], ()), columns) for key in keys])


def _row(
    network: str, method: str, results: Sequence[dict[str, Any]], paper: tuple[float, ...], columns: Sequence[str]
) -> list[str]:
    figures = [mean_sd([result["metrics"].get(name) for result in results]) for name in columns]
    seconds = [f"{mean(result[name] for result in results):.0f}" for name in ("label_seconds", "train_seconds")]
    beside = " / ".join(f"{value:.2f}" for value in paper) or "-"
    sizes = [_range(result["image_size"][0] for result in results), _range(result["epochs"] for result in results)]
    return [method, network, *sizes, str(len(results)), *figures, *seconds, beside]


def _range(values: Iterable[int]) -> str:
    return " / ".join(str(value) for value in sorted(set(values)))
