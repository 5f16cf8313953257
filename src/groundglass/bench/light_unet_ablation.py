"""Paper 004, Table 5: the blocks of the light U-Net one by one, with all masks drawn, on medseg100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.bench.light_unet import multiply_adds
from groundglass.bench.medseg100 import make_table
from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.results import read_results
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.experiments.recipe import merged
from groundglass.files import write_text
from groundglass.report.markdown import machines
from groundglass.report.markdown import markdown
from groundglass.report.markdown import mean_sd
from groundglass.training.run import Run

BASELINE: dict[str, Any] = {"fe": False, "residual_connections": False, "context": "none"}
FE: dict[str, Any] = {**BASELINE, "fe": True}
FE_RC: dict[str, Any] = {**FE, "residual_connections": True}
BLOCKS: dict[str, dict[str, Any]] = {
    "baseline": BASELINE,
    "fe": FE,
    "fe-rc": FE_RC,
    "fe-rc-aspp": {**FE_RC, "context": "aspp"},
    "fe-rc-mdppm": {**FE_RC, "context": "mdppm"},
}
"""The paper's order: two plain convolutions instead of FE blocks and neither residual connections nor MDPPM; then one
after the other. Channel attention stays."""
PLAIN = "plain-unet"
"""Beside them: a U-Net of ordinary convolutions."""
ROWS = (*BLOCKS, PLAIN)

CHANGES: dict[str, Any] = {"grid": {"size": [96, 96]}, "precision": "bf16"}
COLUMNS = {
    "dice_global": "Dice",
    "dice_global_at_threshold": "Dice at the threshold chosen on validation",
    "dice_case": "Dice per slice",
    "sensitivity": "sensitivity",
}


@dataclass(frozen=True)
class BlockCell(Cell):
    """One run: the light U-Net with some of its blocks, or the plain U-Net."""

    def __post_init__(self) -> None:
        if self.row not in ROWS:
            raise InputError(f"--rows {self.row!r}: give one or more of {', '.join(ROWS)}")

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.row}-seed{self.seed}"

    def config(self, overrides: Mapping[str, Any]) -> Config:
        """Full supervision, with the keys changed that the plan changes."""
        plain = self.row == PLAIN
        widths = load_recipe("attention-fusion").method_options["segmenter_options"]
        options = {} if plain else {**widths, **BLOCKS[self.row]}
        changes = {**CHANGES, "network": PLAIN if plain else "light-unet", "network_options": options}
        return replace(load_recipe("full", merged(changes, dict(overrides))), seed=self.seed)


def light_unet_ablation(plan: Plan) -> str:
    """Train and score the rows, which are not run again once they are finished; gives the table, in Markdown."""
    cells = [BlockCell(row, "", seed) for seed in plan.seeds for row in plan.rows]
    return make_table(plan, "light-unet-ablation", lambda run, _: _metrics(run), write_table, cells=cells)


def _metrics(run: Run) -> dict[str, float]:
    network = run.method.network
    height, width = run.config.grid.size
    size = {
        "parameters": sum(one.numel() for one in network.parameters()),
        "multiply_adds": multiply_adds(network, (height, width)),
    }
    return {**run.result["metrics"], **size}


def write_table(folder: Path) -> str:
    """The table of the results in ``folder``, written there too."""
    results = read_results(folder)
    titles = ["network", "seeds", *COLUMNS.values(), "parameters (M)", "multiply-adds (G)", "training (s)"]
    rows = []
    for row in ROWS:
        if own := [result for result in results if result["method"] == row]:
            figures = [mean_sd([one["metrics"].get(name) for one in own]) for name in COLUMNS]
            first = own[0]["metrics"]
            size = [f"{first['parameters'] / 1e6:.2f}", f"{first['multiply_adds'] / 1e9:.2f}"]
            seconds = f"{sum(one['train_seconds'] for one in own) / len(own):.0f}"
            rows.append([row, str(len(own)), *figures, *size, seconds])
    table = f"{markdown(titles, rows)}\n\nMean ± sd over seeds. Machine: {machines(results)}.\n"
    write_text(folder / f"{folder.name}.md", table)
    return table
