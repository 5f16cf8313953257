"""Make a table of the papers again, over seeds; what is finished is not run again.

Example: groundglass bench table2 --root medseg100/
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.arguments import names
from groundglass.cli.arguments import numbers
from groundglass.errors import InputError

EXPERIMENTS = ("table2", "throughput")


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass bench``."""
    parser.add_argument("experiment", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument("--root", help="folder of the public dataset (table2: medseg100)")
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
    elif arguments.experiment == "table2":
        print(_table2(arguments))
    else:
        raise InputError(f"there is no experiment {arguments.experiment!r}; choose one of {', '.join(EXPERIMENTS)}")


def _table2(arguments: Namespace) -> str:
    from groundglass.bench.table2 import ROWS
    from groundglass.bench.table2 import table2

    if not arguments.root:
        raise InputError("bench table2 needs --root, the folder of medseg100 (COVID-SemiSeg's 50 + 48 slices)")
    return table2(
        Path(arguments.root),
        output=Path(arguments.output) / "table2",
        work=Path(arguments.work) / "table2",
        rows=names(arguments.rows or "") or ROWS,
        networks=names(arguments.networks),
        seeds=numbers(arguments.seeds),
        overrides=arguments.overrides,
        quiet=arguments.quiet,
    )
