"""Make a table of the papers again, over seeds; what is finished is not run again.

Example: groundglass bench table2 --root medseg100/
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.arguments import names
from groundglass.cli.arguments import numbers
from groundglass.errors import InputError

EXPERIMENTS = ("table2", "table7", "throughput", "lcfcn-loss")


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass bench``."""
    parser.add_argument("experiment", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument("--root", help="folder of the public dataset (table2, table7: medseg100)")
    parser.add_argument("--output", default="benchmarks/results", help="where the results go")
    parser.add_argument("--work", default="runs/bench", help="where the dataset and the runs go")
    parser.add_argument("--rows", help="recipes to run; by default the paper's rows")
    parser.add_argument("--networks", default="unet", help="networks to run them with")
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the runs")
    parser.add_argument("--overrides", type=dict[str, Any], default={}, help="recipe keys to change for all rows")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Run the experiment and print its table."""
    if arguments.experiment == "throughput":
        from groundglass.bench.throughput import throughput

        print(throughput(Path(arguments.output) / "throughput.json"))
    elif arguments.experiment == "lcfcn-loss":
        from groundglass.bench.lcfcn_loss import lcfcn_loss_speed

        print(lcfcn_loss_speed(Path(arguments.output) / "lcfcn-loss.json"))
    elif arguments.experiment in ("table2", "table7"):
        print(_table(arguments))
    else:
        raise InputError(f"there is no experiment {arguments.experiment!r}; choose one of {', '.join(EXPERIMENTS)}")


def _table(arguments: Namespace) -> str:
    name = arguments.experiment
    if not arguments.root:
        raise InputError(f"bench {name} needs --root, the folder of medseg100 (COVID-SemiSeg's 50 + 48 slices)")
    module = import_module(f"groundglass.bench.{name}")
    table: str = getattr(module, name)(
        Path(arguments.root),
        output=Path(arguments.output) / name,
        work=Path(arguments.work) / name,
        rows=names(arguments.rows or "") or module.ROWS,
        networks=names(arguments.networks),
        seeds=numbers(arguments.seeds),
        overrides=arguments.overrides,
        quiet=arguments.quiet,
    )
    return table
