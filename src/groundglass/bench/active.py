"""Paper 001's experiments: which acquisition (Fig. 5), how many regions (Fig. 6), points or masks (Fig. 7), how cheap.

On two pools: ``covidcell``, as large as the paper's, and ``medseg100``, 45 slices without neighbors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.active.curve import curve_record
from groundglass.active.curve import draw_curves
from groundglass.active.curve import write_curve
from groundglass.active.cycle import ActiveLearning
from groundglass.active.settings import active_recipe
from groundglass.active.settings import active_settings
from groundglass.bench.active_full import full_dice
from groundglass.bench.active_pool import pool_dataset
from groundglass.bench.active_tables import headline
from groundglass.bench.active_tables import summary
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.files import write_text

POOLS = ("covidcell", "medseg100")


@dataclass(frozen=True)
class Arm:
    """One curve of a figure."""

    acquisition: str = "entropy"
    regions: int = 64
    answer: str = "point"

    @property
    def name(self) -> str:
        """As in the name of its result."""
        return f"{self.acquisition}-k{self.regions}-{self.answer}"


SMALL_START = {"initial_images": 3, "budget_seconds": 1200.0}
"""The figures start from 3 slices, as paper 001's study of the number of regions does (192 s)."""

EXPERIMENTS: dict[str, tuple[tuple[Arm, ...], dict[str, Any]]] = {
    "fig5": (tuple(Arm(acquisition=name) for name in ("random", "entropy", "bald", "entropy-released")), SMALL_START),
    "fig6": (tuple(Arm(regions=count) for count in (1, 4, 9, 16, 36, 64, 81)), SMALL_START),
    "fig7": ((Arm(answer="point"), Arm(answer="pixels")), SMALL_START),
    "headline": ((Arm(),), {"initial_images": 5, "budget_seconds": 2460.0}),
}
"""Arms of each experiment and what they have in common. Of the headline: paper 001's 5 slices and 100 cycles of 5."""


def active(
    experiment: str,
    root: Path,
    *,
    output: Path,
    work: Path,
    pools: Sequence[str] = POOLS,
    seeds: Iterable[int] = (0, 1, 2),
    settings: dict[str, Any] | None = None,
    overrides: dict[str, Any] | None = None,
    quiet: bool = False,
) -> str:
    """Run an experiment's curves; what is finished is not run again, what was begun is gone on with.

    Args:
        experiment: ``fig5``, ``fig6``, ``fig7`` or ``headline``.
        root: Folder with ``covidcell`` and ``medseg100``.
        output: Where ``<experiment>-<acquisition>-k<regions>-<answer>-seed<k>.json`` go; those of medseg100 into
            its subfolder ``medseg100``.
        work: Where datasets and runs go.
        pools: ``covidcell`` and ``medseg100``, or one of them.
        seeds: Seeds of the runs.
        settings: Settings of active learning to change for all arms.
        overrides: Recipe keys to change for all arms.
        quiet: Show no progress.

    Returns:
        What came of it, in Markdown.

    Raises:
        InputError: If there is no such experiment or pool, or the data is not there.
    """
    if experiment not in EXPERIMENTS:
        raise InputError(f"there is no experiment {experiment!r}; choose one of {', '.join(EXPERIMENTS)}")
    if unknown := [name for name in pools if name not in POOLS]:
        raise InputError(f"there is no pool {unknown[0]!r}; choose {' or '.join(POOLS)}")
    arms, common = EXPERIMENTS[experiment]
    seeds, texts = tuple(seeds), []
    for name in pools:
        place = output if name == "covidcell" else output / name
        folder = pool_dataset(name, root / name, work)
        for seed in seeds:
            for arm in arms:
                path = place / f"{experiment}-{arm.name}-seed{seed}.json"
                if not path.exists():
                    chosen = {**common, **vars(arm), **(settings or {}), "seed": seed}
                    record = _run(folder, work / name / path.stem, chosen, overrides or {}, quiet=quiet)
                    full = full_dice(folder, place, work / name, seed, record["recipe"], quiet=quiet)
                    command = f"groundglass bench {experiment} --root {root.name} --rows {name} --seeds {seed}"
                    _write(path, {"experiment": experiment, **record, **full, "command": command})
        texts.append(_conclude(experiment, place, name))
    return "\n".join(texts)


def _run(
    folder: DatasetFolder, output: Path, chosen: dict[str, Any], overrides: dict[str, Any], *, quiet: bool
) -> dict[str, Any]:
    learning = ActiveLearning(folder, output, active_settings(chosen), active_recipe(None, overrides), resume=True)
    learning.run(None if quiet else lambda state: print(f"{output.name}: {vars(state.cycles[-1])}", flush=True))
    record = curve_record(learning, folder)
    write_curve(record, output)
    return record


def _conclude(experiment: str, place: Path, pool: str) -> str:
    """Picture and table of all results of an experiment, and of the headline its share."""
    results = [json.loads(path.read_text("utf-8")) for path in sorted(place.glob(f"{experiment}-*-seed*.json"))]
    first = {result_name(one): one["curve"] for one in results if one["seed"] == results[0]["seed"]}
    draw_curves(first, place / f"{experiment}.png", full_dice=results[0]["full_dice"])
    text = f"### {experiment}, {pool}\n\n{summary(results)}\n"
    if experiment == "headline":
        share = headline(results)
        _write(place / "headline.json", share)
        text += f"\n90 % of full supervision's Dice at {share['fraction_of_full_cost_at_90_percent']} of its cost\n"
    write_text(place / f"{experiment}.md", text)
    return text


def result_name(result: dict[str, Any]) -> str:
    """Name of the arm of a result."""
    return Arm(result["acquisition"], result["regions"], result["answer"]).name


def _write(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")
