"""Let the model ask: regions of slices, answered from masks in a simulated annotator's time.

With a person instead of masks, see 'groundglass annotate'.
Example: groundglass active data/ -o runs/active --budget-seconds 1800 --acquisition entropy
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from groundglass.active.cycle import ActiveLearning
    from groundglass.active.state import State

SHOWN_CYCLES = 12
"""Cycles in the live table: the last ones."""


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass active``."""
    parser.add_argument(
        "dataset", nargs="?", help="a prepared dataset whose training cases have masks, which give the answers"
    )
    parser.add_argument("--root", help="the dataset, if it is not named first")
    parser.add_argument("-o", "--output", default="runs/active", help="the run folder to make")
    parser.add_argument("--budget-seconds", type=float, help="annotation time to spend; always to be given")
    parser.add_argument(
        "--acquisition", default="entropy", help="random, entropy, entropy-released, bald or bald-released"
    )
    parser.add_argument("--reduction", default="mean", help="score of a region: mean or max of its pixels")
    parser.add_argument("--regions", type=int, default=64, help="regions a slice, a perfect square; 1 for whole slices")
    parser.add_argument("--answer", default="point", help="point or pixels")
    parser.add_argument(
        "--rule", default="paper", help="how points are simulated: paper, paper-2, released or released-2"
    )
    parser.add_argument("--query-size", type=int, default=5, help="regions asked a cycle")
    parser.add_argument("--initial-images", type=int, default=5, help="slices asked completely at the start")
    parser.add_argument("--draws", type=int, default=20, help="passes with dropout")
    parser.add_argument("--settings", type=dict[str, Any], default={}, help="further settings, as {'diverse': false}")
    parser.add_argument("--recipe", help="what is trained: a YAML file or a name; by default 'active'")
    parser.add_argument("--overrides", type=dict[str, Any], default={}, help="recipe keys to change")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps")
    parser.add_argument("--quiet", action="store_true", help="no table")


NAMED = ["acquisition", "answer", "budget_seconds", "draws", "initial_images", "query_size"]
NAMED += ["reduction", "regions", "rule", "seed"]
"""Settings with an option of their own."""


def run(arguments: Namespace) -> None:
    """Run the cycle with a live table, and leave the curve in the run folder."""
    from groundglass.active.curve import curve_record
    from groundglass.active.curve import write_curve
    from groundglass.active.cycle import ActiveLearning
    from groundglass.active.settings import active_recipe
    from groundglass.active.settings import active_settings
    from groundglass.datasets.folder import DatasetFolder

    settings = active_settings(_settings(arguments))
    config = active_recipe(arguments.recipe, arguments.overrides)
    folder = DatasetFolder.open(_dataset(arguments))
    learning = ActiveLearning(
        folder, Path(arguments.output), settings, config, resume=arguments.resume, device=arguments.device
    )
    _watched(learning, lambda: write_curve(curve_record(learning, folder), learning.output), quiet=arguments.quiet)
    if not arguments.quiet:
        print(f"{learning.output}: {learning.state.finished}")


def _settings(arguments: Namespace) -> dict[str, Any]:
    if arguments.budget_seconds is None:
        raise InputError("--budget-seconds: say how much annotation time to spend, as in --budget-seconds 1800")
    if twice := sorted(set(NAMED) & set(arguments.settings)):
        option = f"--{twice[0].replace('_', '-')}"
        raise InputError(f"--settings: {twice[0]} has an option of its own; take it out and give {option} instead")
    return {**{name: arguments[name] for name in NAMED}, **arguments.settings}


def _dataset(arguments: Namespace) -> str:
    given = [name for name in (arguments.dataset, arguments.root) if name]
    if len(given) != 1:
        raise InputError("name one dataset, as in 'groundglass active data/' or with --root")
    return str(given[0])


def _watched(learning: ActiveLearning, keep: Callable[[], None], *, quiet: bool) -> None:
    """Run, with a table that grows by a line a cycle; ``keep`` leaves what there is after each, and at the end."""
    if quiet:
        learning.run(lambda state: keep())
        keep()
        return
    from rich.live import Live

    with Live(cycle_table(learning.state, learning.settings.budget_seconds), auto_refresh=False) as live:

        def show(state: State) -> None:
            keep()
            live.update(cycle_table(state, learning.settings.budget_seconds), refresh=True)

        show(learning.run(show))


def cycle_table(state: State, budget: float) -> Table:
    """The last cycles: annotation time, answers and how many had lesion, Dice, and the training."""
    from rich.table import Table

    caption = f'Budget {budget:g} s of annotation. Dice is at 0.5; "own": at the run\'s own threshold.\n'
    table = Table(caption=f"{caption}Research use only: not a medical device.")
    if not state.finished:
        table.title = f"training cycle {len(state.cycles)}"
    for title in ("cycle", "seconds", "answers", "lesions", "Dice", "own", "epochs", "training"):
        table.add_column(title, justify="right")
    for cycle in state.cycles[-SHOWN_CYCLES:]:
        dice = ["-" if one is None else f"{one:.3f}" for one in (cycle.dice_global, cycle.dice_global_at_threshold)]
        counts = [str(cycle.answers), str(cycle.lesion_answers), *dice, str(cycle.epochs)]
        table.add_row(str(cycle.cycle), f"{cycle.seconds:.0f}", *counts, f"{cycle.train_seconds:.0f} s")
    return table
