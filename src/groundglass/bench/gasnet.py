"""Paper 003 (GASNet): scan tags and one mask against one mask alone, on generated chests or on COVID-cell's runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from groundglass.bench.gasnet_brightness import ROW
from groundglass.bench.gasnet_brightness import brightness
from groundglass.bench.gasnet_data import tagged_volumes
from groundglass.bench.gasnet_data import volumes
from groundglass.bench.gasnet_tables import write_tables
from groundglass.bench.medseg100 import make_table
from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.training.run import Run

OFF = {"recons": 0.0, "ig_to_d": 0.0, "id_to_d": 0.0, "mil": 0.0, "synthetic": 0.0, "transplanted": 0.0}

ABLATION: dict[str, dict[str, float]] = {
    name: dict(list(OFF.items())[count:])
    for count, name in enumerate(("plain", "recons", "ig-to-d", "id-to-d", "mil-term", "synthetic"))
}
"""Table V, from the top: the weights of GASNet that are 0. Its last row has all terms of the paper; GASNet itself, by
the recipe, transplanted lesions too."""

RECIPES = {"full": "volume-full", "mil": "mil", "gasnet": "gasnet", **dict.fromkeys(ABLATION, "gasnet")}
"""Recipe of each method."""

NETWORK_OPTIONS: dict[str, dict[str, Any]] = {"vnet": {}, "unet-plus-plus": {"base": 4}}
"""Widths of networks other than the recipes' own."""

COMPARED = (ROW, "full-1masks", "mil-1masks", "gasnet-1masks", "gasnet-0masks")
CURVE = ("full-4masks", "gasnet-4masks", "full-20masks", "gasnet-20masks")
ROWS = (*COMPARED, *CURVE, *(f"{name}-1masks" for name in ABLATION))


@dataclass(frozen=True)
class VolumeCell(Cell):
    """One run: a method with so many masks, as ``gasnet-1masks``, and the scan tags of all training scans.

    Args:
        dataset: ``phantoms`` or ``covidcell``.
    """

    dataset: str

    def __post_init__(self) -> None:
        method, _, masks = self.row.removesuffix("masks").rpartition("-")
        if method not in RECIPES or not masks.isdigit() or not self.row.endswith("masks"):
            raise InputError(
                f"--rows {self.row!r}: give a method and a number of masks, as gasnet-1masks; methods are "
                f"{', '.join(RECIPES)}"
            )

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.row.removesuffix("masks").rpartition("-")[0]

    @property
    def masks(self) -> int:
        """Number of training scans with a mask."""
        return int(self.row.removesuffix("masks").rpartition("-")[2])

    @property
    def name(self) -> str:
        """What its files are called."""
        network = "" if self.network == "unet3d" else f"-{self.network}"
        return f"{self.dataset}-{self.method}{network}-{self.masks}masks-seed{self.seed}"

    @property
    def facts(self) -> dict[str, Any]:
        """What its record holds beside what every run's does."""
        return {"method": self.method, "masks": self.masks}

    def config(self, overrides: Mapping[str, Any]) -> Config:
        """Its recipe, with some weights set to 0 for the ablation, and the keys changed that the plan changes."""
        changes: dict[str, Any] = dict(overrides)
        options = dict(changes.pop("method_options", {}))
        config = load_recipe(RECIPES[self.method], changes)
        known = config.method_options.get("weights", {})
        weights = {**known, **options.get("weights", {}), **ABLATION.get(self.method, {})}
        if weights and self.method != "full":
            options["weights"] = weights
        if self.method in ("full", "mil"):
            options = {key: value for key, value in options.items() if key in config.method_options or key == "weights"}
        widths = config.network_options if self.network == "unet3d" else NETWORK_OPTIONS.get(self.network, {})
        return replace(
            config,
            method_options={**config.method_options, **options},
            network=self.network,
            network_options=widths,
            labels=None if self.masks or self.method == "full" else ["scan_tag"],
            seed=self.seed,
        )


def gasnet(plan: Plan) -> str:
    """Train and score the rows, which are not run again once they are finished; gives the tables, in Markdown.

    Without a ``root`` the scans are generated, with one they are COVID-cell's runs of 8 slices and more.
    """
    dataset = "covidcell" if plan.root else "phantoms"
    rows = [row for row in plan.rows if row != ROW]
    cells = [
        VolumeCell(row, network, seed, dataset) for network in plan.networks for seed in plan.seeds for row in rows
    ]
    if len(rows) < len(plan.rows):
        brightness(plan, tagged_volumes(plan, dataset), dataset)
    return make_table(plan, "gasnet", lambda run, _: _metrics(run), write_tables, cells=cells, dataset=volumes)


def _metrics(run: Run) -> dict[str, float]:
    """Sensitivity and specificity are means over the diseased scans too, as the paper has them."""
    metrics: dict[str, float] = dict(run.result["metrics"])
    return metrics | {name: metrics[f"{name}_case"] for name in ("sensitivity", "specificity")}
