"""Make a table of the papers, or another benchmark, again; of runs over seeds, what is finished is not run again.

Examples: groundglass bench table2 --root medseg100/
          groundglass bench healthy --root data/
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.arguments import names
from groundglass.cli.arguments import numbers
from groundglass.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass bench``."""
    parser.add_argument("experiment", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument("--root", help="folder of the public dataset, or of several")
    parser.add_argument("--output", default="benchmarks/results", help="where the results go")
    parser.add_argument("--work", default="runs/bench", help="where the dataset and the runs go")
    parser.add_argument(
        "--rows",
        help="recipes to run, by default the paper's; active learning: pools and arms; shipped-model: masks or clicks",
    )
    parser.add_argument(
        "--networks",
        default="",
        help="networks to run them with: unet, or of volumes unet3d; table-image-level has each recipe's own",
    )
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the runs")
    parser.add_argument("--overrides", type=dict[str, Any], default={}, help="recipe keys to change for all rows")
    parser.add_argument("--name", default="", help="keep changed rows of table2 or table7 apart, under this name")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Run the experiment and print its table or figures."""
    name = arguments.experiment
    if name not in EXPERIMENTS:
        raise InputError(f"there is no experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}")
    start, needs = EXPERIMENTS[name]
    if needs and not arguments.root:
        raise InputError(f"bench {name} needs --root, the folder {needs}; name it")
    print(start(arguments))


def _table(arguments: Namespace) -> str:
    from groundglass.bench.plan import Plan

    name = arguments.experiment
    function = name.replace("-", "_")
    module = import_module(f"groundglass.bench.{function}")
    folder = f"{name}-{arguments.name}" if arguments.name else name
    plan = Plan(
        root=Path(arguments.root),
        output=Path(arguments.output) / folder,
        work=Path(arguments.work) / folder,
        rows=names(arguments.rows or "") or module.ROWS,
        networks=names(arguments.networks) or ["unet"],
        seeds=numbers(arguments.seeds),
        overrides=arguments.overrides,
        name=arguments.name,
        quiet=arguments.quiet,
    )
    table: str = getattr(module, function)(plan)
    return table


def _image_level(arguments: Namespace) -> str:
    from groundglass.bench.image_level import table_image_level
    from groundglass.bench.image_level_rows import ROWS
    from groundglass.bench.plan import Plan

    return table_image_level(
        Plan(
            root=Path(arguments.root),
            output=Path(arguments.output) / "image-level",
            work=Path(arguments.work) / "image-level",
            rows=names(arguments.rows or "") or ROWS,
            seeds=numbers(arguments.seeds),
            overrides=arguments.overrides,
            quiet=arguments.quiet,
        )
    )


def _active(arguments: Namespace) -> str:
    from groundglass.bench.active import active
    from groundglass.bench.active_arms import POOLS

    rows = names(arguments.rows or "")
    return active(
        arguments.experiment,
        Path(arguments.root),
        output=Path(arguments.output) / "active",
        work=Path(arguments.work) / "active",
        pools=[row for row in rows if row in POOLS] or tuple(POOLS),
        arms=[row for row in rows if row not in POOLS],
        seeds=numbers(arguments.seeds),
        overrides=arguments.overrides,
        quiet=arguments.quiet,
    )


def _gasnet(arguments: Namespace) -> str:
    from groundglass.bench.gasnet import ROWS
    from groundglass.bench.gasnet import gasnet
    from groundglass.bench.plan import Plan

    return gasnet(
        Plan(
            root=Path(arguments.root) if arguments.root else None,
            output=Path(arguments.output) / "gasnet",
            work=Path(arguments.work) / "gasnet",
            rows=names(arguments.rows or "") or ROWS,
            networks=names(arguments.networks) or ["unet3d"],
            seeds=numbers(arguments.seeds),
            overrides=arguments.overrides,
            quiet=arguments.quiet,
        )
    )


def _figures(arguments: Namespace) -> str:
    module, function, file = FIGURES[arguments.experiment]
    text: str = getattr(import_module(f"groundglass.bench.{module}"), function)(Path(arguments.output) / file)
    return text


def _click_growth(arguments: Namespace) -> str:
    from groundglass.bench.click_growth import click_growth

    work = Path(arguments.work) / "image-level"
    return click_growth(Path(arguments.root), Path(arguments.output) / "click-growth.json", work)


def _drawing_cost(arguments: Namespace) -> str:
    from groundglass.bench.drawing_cost import drawing_cost

    output = Path(arguments.output) / "active" / "drawing-cost.json"
    return drawing_cost(Path(arguments.root), output, Path(arguments.work) / "active")


def _shipped_model(arguments: Namespace) -> str:
    from groundglass.bench.shipped_model import shipped_model

    return shipped_model(
        Path(arguments.root),
        output=Path(arguments.output) / "shipped-model",
        work=Path(arguments.work) / "shipped-model",
        labels=arguments.rows or "masks",
        quiet=arguments.quiet,
    )


def _p002(arguments: Namespace) -> str:
    from groundglass.bench.scan_quality import p002

    return p002(Path(arguments.root), Path(arguments.output) / "predict" / "p002.json")


def _healthy(arguments: Namespace) -> str:
    from groundglass.bench.scan_quality import healthy

    return healthy(Path(arguments.root), Path(arguments.output) / "predict" / "healthy.json")


FIGURES = {
    "speed": ("active_speed", "speed", "active/speed.json"),
    "gasnet-speed": ("gasnet_speed", "gasnet_speed", "gasnet-speed.json"),
    "throughput": ("throughput", "throughput", "throughput.json"),
    "network-cost": ("network_cost", "network_cost", "network-cost.json"),
    "lcfcn-loss": ("lcfcn_loss", "lcfcn_loss_speed", "lcfcn-loss.json"),
    "light-unet": ("light_unet", "light_unet", "light-unet.json"),
}
"""Module, function and file of those that need no data and no options."""

MEDSEG100 = "of medseg100 (COVID-SemiSeg's 50 + 48 slices)"
BOTH = "that holds covidcell and medseg100"

EXPERIMENTS: dict[str, tuple[Callable[[Namespace], str], str]] = {
    "table2": (_table, MEDSEG100),
    "table7": (_table, MEDSEG100),
    "table-image-level": (_image_level, "that holds covidcell, and medseg100 if there is one"),
    **dict.fromkeys(("fig5", "fig6", "fig7", "headline"), (_active, BOTH)),
    "gasnet": (_gasnet, ""),
    **dict.fromkeys(FIGURES, (_figures, "")),
    "light-unet-ablation": (_table, MEDSEG100),
    "drawing-cost": (_drawing_cost, BOTH),
    "click-growth": (_click_growth, "that holds covidcell"),
    "shipped-model": (_shipped_model, BOTH),
    "p002": (_p002, "of COVID-CT-MD, with P002 and its slice labels"),
    "healthy": (_healthy, BOTH),
}
"""How each is started, and the folder its ``--root`` must be, if any."""
