"""Paper 001's experiments: which acquisition (Fig. 5), how many regions (Fig. 6), points or masks (Fig. 7), how cheap.

On two pools: ``covidcell``, as large as the paper's, and ``medseg100``, 45 slices without neighbors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from groundglass.active.curve import RECORD
from groundglass.active.curve import curve_record
from groundglass.active.curve import write_curve
from groundglass.active.cycle import ActiveLearning
from groundglass.active.settings import active_recipe
from groundglass.active.settings import active_settings
from groundglass.bench.active_arms import EXPERIMENTS
from groundglass.bench.active_arms import FIGURES
from groundglass.bench.active_arms import GRIDS
from groundglass.bench.active_arms import HEADLINE
from groundglass.bench.active_arms import PER_IMAGE
from groundglass.bench.active_arms import POOLS
from groundglass.bench.active_arms import RECIPE
from groundglass.bench.active_arms import SETTINGS
from groundglass.bench.active_arms import STEPS
from groundglass.bench.active_arms import chosen_arms
from groundglass.bench.active_figures import draw_experiments
from groundglass.bench.active_full import full_dice
from groundglass.bench.active_pool import pool_dataset
from groundglass.bench.active_tables import headline
from groundglass.bench.active_tables import shares_table
from groundglass.bench.active_tables import summary
from groundglass.bench.plan import bench_command
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.recipe import merged
from groundglass.files import write_text


def active(
    experiment: str,
    root: Path,
    *,
    output: Path,
    work: Path,
    pools: Sequence[str] = POOLS,
    arms: Sequence[str] = (),
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
        arms: Names of the arms to run, such as ``random-k64-point``; all of them if empty.
        seeds: Seeds of the runs.
        settings: Settings of active learning to change for all arms.
        overrides: Recipe keys to change for all arms.
        quiet: Show no progress.

    Returns:
        What came of it, in Markdown.

    Raises:
        InputError: If there is no such experiment, pool or arm, or the data is not there.
    """
    if experiment not in EXPERIMENTS:
        raise InputError(f"there is no experiment {experiment!r}; choose one of {', '.join(EXPERIMENTS)}")
    if unknown := [name for name in pools if name not in POOLS]:
        raise InputError(f"there is no pool {unknown[0]!r}; choose {' or '.join(POOLS)}")
    wanted = chosen_arms(experiment, arms)
    # An arm is run once for all figures it is in, and not again where the headline has run it.
    kind, budget = ("headline", HEADLINE) if experiment == "headline" else ("figures", FIGURES)
    seeds, texts = tuple(seeds), []
    for name in pools:
        place = output if name == "covidcell" else output / name
        folder = pool_dataset(name, root / name, work)
        batch_size = active_recipe(None, overrides).batch_size
        changes = {**RECIPE, "grid": GRIDS[name], "epoch_samples": STEPS[name] * batch_size}
        recipe = merged(changes, overrides or {})
        for seed, arm in product(seeds, wanted):
            path = place / f"{experiment}-{arm.name}-seed{seed}.json"
            if not path.exists():
                chosen = {"budget_seconds": budget, **SETTINGS, "per_image": PER_IMAGE[name]}
                chosen |= {**(settings or {}), **vars(arm), "seed": seed}
                run = work / name / kind / f"{arm.name}-seed{seed}"
                longer = _finished(work / name / "headline" / run.name) if kind == "figures" else None
                if longer is not None:
                    record = _until(longer, chosen["budget_seconds"])
                else:
                    record = _run(folder, run, chosen, recipe, quiet=quiet)
                full = full_dice(folder, place, work / name, seed, record["recipe"], quiet=quiet)
                words = ["--root", root.name, "--rows", f"{name},{arm.name}", "--seeds", str(seed)]
                command = bench_command(experiment, words, overrides)
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


def _finished(run: Path) -> dict[str, Any] | None:
    """The record of a run that has come to its end; the curve of one that has not is left there too."""
    if not (run / RECORD).exists():
        return None
    record: dict[str, Any] = json.loads((run / RECORD).read_text("utf-8"))
    return record if record.get("finished") else None


def _until(record: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What a run with a larger budget had come to after ``seconds`` of annotation."""
    curves = {name: [one for one in record[name] if one[0] <= seconds] for name in ("curve", "curve_at_threshold")}
    cycles = [cycle for cycle in record["cycles"] if cycle["seconds"] <= seconds]
    return {**record, **curves, "cycles": cycles}


def _conclude(experiment: str, place: Path, pool: str) -> str:
    """Picture and table of all results of an experiment, and of the headline its share."""
    results = [json.loads(path.read_text("utf-8")) for path in sorted(place.glob(f"{experiment}-*-seed*.json"))]
    draw_experiments({experiment: results}, place / f"{experiment}.png")
    text = f"### {experiment}, {pool}\n\n{summary(results)}\n"
    if experiment == "headline":
        share = headline(results)
        _write(place / "headline.json", share)
        text += f"\nReaching 90 % of full supervision's Dice takes of its cost:\n\n{shares_table(share)}\n"
    write_text(place / f"{experiment}.md", text)
    return text


def _write(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")
