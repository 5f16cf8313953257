"""The results of methods from slice tags as tables in Markdown: every method, then each family's ablations."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from groundglass.bench.image_level_rows import ABLATIONS
from groundglass.bench.image_level_rows import FAMILIES
from groundglass.bench.image_level_rows import ROWS
from groundglass.bench.image_level_rows import family
from groundglass.report.markdown import mean_sd

COLUMNS = {
    "ap_a": "AP, annotator A",
    "ap_b": "AP, B",
    "ap_released": "AP, released",
    "dice_at_best_validation_threshold": "Dice (A) at the threshold chosen on validation",
    "pseudo_mask_dice": "Dice (A) of its pseudo masks of the training slices",
    "medseg100_ap": "AP on medseg100",
    "medseg100_dice": "Dice on medseg100",
}
PAPER = {"cam": 0.061, "gradcam": 0.179, "bl": 0.36, "decomposition": 0.63}
"""Area under the precision-recall curve in paper 002, of another sample."""
NOTE = (
    "Lesion slices of the test runs alone, all pixels together; mean ± sd over seeds. AP: average precision. "
    "The paper's figures are of another sample."
)

Results = Sequence[dict[str, Any]]


def tables(results: Results) -> str:
    """All tables of the results, with their titles."""
    changed = {row for recipes in FAMILIES.values() for row in family(recipes)} & ABLATIONS.keys()
    shown = list(dict.fromkeys([*ROWS, *sorted({one["row"] for one in results} - changed)]))
    parts = [_table(results, shown)] if any(one["row"] in shown for one in results) else []
    for title, recipes in FAMILIES.items():
        if any(one["row"] in changed and one["row"] in family(recipes) for one in results):
            parts.append(f"{title}, with something changed:\n\n{_table(results, family(recipes))}")
    return "\n\n".join([*parts, NOTE]) + "\n"


def _table(results: Results, rows: Sequence[str]) -> str:
    """The rows that have results; columns in which no run or, of pseudo masks, not each has a figure are left out."""
    groups = {row: [one for one in results if one["row"] == row] for row in rows}
    lines = {row: _cells(row, own) for row, own in groups.items() if own}
    known = [title for title in next(iter(lines.values())) if _has(title, [cells[title] for cells in lines.values()])]
    body = [" | ".join(cells[title] for title in known) for cells in lines.values()]
    return "\n".join([f"| {' | '.join(known)} |", f"|{'---|' * len(known)}", *(f"| {line} |" for line in body)])


def _has(title: str, cells: Sequence[str]) -> bool:
    known = [cell != "-" for cell in cells]
    return all(known) if title == COLUMNS["pseudo_mask_dice"] else any(known)


def _cells(row: str, results: Results) -> dict[str, str]:
    """A row by the titles of its columns; what is not trained is the same with every seed."""
    first = results[0]
    own = results if first["train_seconds"] else results[:1]
    beside = [{"pseudo_mask_dice": one.get("pseudo_masks", {}).get("dice_global"), **one["metrics"]} for one in own]
    return {
        "row": row,
        "size": " x ".join(map(str, first["image_size"])),
        "seeds": str(len(results)),
        **{title: mean_sd([one.get(name) for one in beside]) for name, title in COLUMNS.items()},
        "parameters": f"{first['metrics']['parameters']:,}",
        "multiply-adds": f"{first['metrics']['multiply_adds']:,}",
        "training (s)": f"{mean(one['train_seconds'] for one in results):.0f}",
        "paper: AUC": f"{PAPER[row]:.2f}" if row in PAPER else "-",
    }
