"""The tables of the GASNet benchmark from its results: the comparison, Table V and Fig. 11 of paper 003."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundglass.bench.results import read_results
from groundglass.files import write_text
from groundglass.report.markdown import machines
from groundglass.report.markdown import markdown
from groundglass.report.markdown import mean_sd

Key = tuple[str, str, str, int]
"""Dataset, method, network, number of masks."""

Groups = Mapping[Key, Sequence[dict[str, Any]]]

METHODS = {"brightness": "brightness, nothing trained", "full": "one mask alone", "mil": "MIL", "gasnet": "GASNet"}
PAPER = {("full", 1): "0.358 to 0.405", ("mil", 1): "0.481", ("gasnet", 1): "0.703"}
"""Dice of the paper on its Dataset-A (Table III and Fig. 11)."""

TERMS = ("L_recons", "L_IgToD", "L_IdToD", "L_MIL", "L_ps", "transplanted")
TABLE_V = {
    "plain": "0.541",
    "recons": "0.565",
    "ig-to-d": "0.607",
    "id-to-d": "0.641",
    "mil-term": "0.648",
    "synthetic": "0.703",
    "gasnet": "-",
}
"""Each row has one term more than the one before; the last term is ours."""


NOTE = (
    "Dice, sensitivity and specificity: means over the diseased test scans, on each scan's grid, within its lung mask, "
    "at 0.5 (brightness: at the threshold of validation); mean ± sd over seeds. The masks of the validation scans "
    "choose epoch and threshold; not so for tags alone, where the last epoch is kept and the threshold is 0.5."
)


def write_tables(folder: Path) -> str:
    """The tables of the results in ``folder``, written there as ``gasnet.md`` too."""
    results = read_results(folder)
    groups: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["dataset"], result["method"], result["network"], result["masks"]].append(result)
    parts = []
    for dataset in sorted({result["dataset"] for result in results}):
        parts += [f"## {dataset}", _comparison(dataset, groups), _gains(dataset, groups)]
        parts += [_ablation(dataset, groups), _curve(dataset, groups)]
    parts.append(f"{NOTE} Machine: {machines(results)}.")
    table = "\n\n".join(part for part in parts if part) + "\n"
    write_text(folder / "gasnet.md", table)
    return table


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown(titles, rows) if rows else ""


def _metric(results: Sequence[dict[str, Any]], name: str) -> str:
    return mean_sd([result["metrics"].get(name) for result in results])


def _comparison(dataset: str, groups: Groups) -> str:
    """Table III: what a mask, tags, or both give."""
    names = ("dice_case", "dice_case_sd", "sensitivity", "specificity", "dice_case_at_threshold")
    rows = []
    for (name, method, network, masks), results in sorted(groups.items()):
        if name == dataset and network in ("unet3d", "none") and method in METHODS and masks <= 1:
            title = f"{METHODS[method]}, tags alone" if method == "gasnet" and not masks else METHODS[method]
            figures = [_metric(results, one) for one in names]
            seconds = f"{sum(result['train_seconds'] for result in results) / len(results):.0f}"
            rows.append([title, str(masks), str(len(results)), *figures, seconds, PAPER.get((method, masks), "-")])
    titles = ["method", "masks", "seeds", "Dice per scan", "its sd over scans", "sensitivity", "specificity"]
    return _markdown([*titles, "Dice at the threshold of validation", "training (s)", "paper: Dice"], rows)


def _gains(dataset: str, groups: Groups) -> str:
    """How much the tags add, seed by seed."""
    ours = _by_seed(groups.get((dataset, "gasnet", "unet3d", 1), ()))
    sentences = []
    for method in ("full", "mil"):
        other = _by_seed(groups.get((dataset, method, "unet3d", 1), ()))
        if seeds := sorted(ours.keys() & other.keys()):
            gain = mean_sd([ours[seed] - other[seed] for seed in seeds])
            sentences.append(f"GASNet with one mask less {METHODS[method]}, seed by seed: {gain} ({len(seeds)} seeds).")
    return " ".join(sentences)


def _by_seed(results: Sequence[dict[str, Any]]) -> dict[int, float]:
    return {result["seed"]: result["metrics"]["dice_case"] or 0.0 for result in results}


def _ablation(dataset: str, groups: Groups) -> str:
    """Table V."""
    rows = []
    for number, (method, paper) in enumerate(TABLE_V.items()):
        if results := groups.get((dataset, method, "unet3d", 1)):
            ticks = ["x" if term < number else "" for term in range(len(TERMS))]
            rows.append([*ticks, str(len(results)), _metric(results, "dice_case"), paper])
    return _markdown([*TERMS, "seeds", "Dice per scan", "paper"], rows)


def _curve(dataset: str, groups: Groups) -> str:
    """Fig. 11: Dice against the number of masks."""
    counts = sorted({masks for name, _, _, masks in groups if name == dataset})
    networks = sorted({network for name, _, network, _ in groups if name == dataset})
    rows = []
    for network in networks:
        for method in METHODS:
            found = [groups.get((dataset, method, network, masks)) for masks in counts]
            if any(found):
                rows.append([METHODS[method].replace("one mask", "masks"), network, *map(_cell, found)])
    return _markdown(["method", "network", *(f"{count} masks" for count in counts)], rows)


def _cell(results: Sequence[dict[str, Any]] | None) -> str:
    return _metric(results, "dice_case") if results else "-"
