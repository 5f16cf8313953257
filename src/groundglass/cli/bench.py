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
        raise InputError(f"bench {name} needs --root, the folder of {needs}")
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
    from groundglass.bench.image_level import ROWS
    from groundglass.bench.image_level import table_image_level
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


def _speed(arguments: Namespace) -> str:
    from groundglass.bench.active_speed import speed

    return speed(Path(arguments.output) / "active" / "speed.json")


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


def _gasnet_speed(arguments: Namespace) -> str:
    from groundglass.bench.gasnet_speed import gasnet_speed

    return gasnet_speed(Path(arguments.output) / "gasnet-speed.json")


def _throughput(arguments: Namespace) -> str:
    from groundglass.bench.throughput import throughput

    return throughput(Path(arguments.output) / "throughput.json")


def _network_cost(arguments: Namespace) -> str:
    from groundglass.bench.network_cost import network_cost

    return network_cost(Path(arguments.output) / "network-cost.json")


def _lcfcn_loss(arguments: Namespace) -> str:
    from groundglass.bench.lcfcn_loss import lcfcn_loss_speed

    return lcfcn_loss_speed(Path(arguments.output) / "lcfcn-loss.json")


def _light_unet(arguments: Namespace) -> str:
    from groundglass.bench.light_unet import light_unet

    return light_unet(Path(arguments.output) / "light-unet.json")


def _click_growth(arguments: Namespace) -> str:
    from groundglass.bench.click_growth import click_growth

    work = Path(arguments.work) / "image-level"
    return click_growth(Path(arguments.root), Path(arguments.output) / "click-growth.json", work)


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


POOL = "covidcell and medseg100"

EXPERIMENTS: dict[str, tuple[Callable[[Namespace], str], str]] = {
    "table2": (_table, "medseg100 (COVID-SemiSeg's 50 + 48 slices)"),
    "table7": (_table, "medseg100 (COVID-SemiSeg's 50 + 48 slices)"),
    "table-image-level": (_image_level, "covidcell, and of medseg100 beside it if there is one"),
    **dict.fromkeys(("fig5", "fig6", "fig7", "headline"), (_active, POOL)),
    "speed": (_speed, ""),
    "gasnet": (_gasnet, ""),
    "gasnet-speed": (_gasnet_speed, ""),
    "throughput": (_throughput, ""),
    "network-cost": (_network_cost, ""),
    "lcfcn-loss": (_lcfcn_loss, ""),
    "light-unet": (_light_unet, ""),
    "light-unet-ablation": (_table, "medseg100 (COVID-SemiSeg's 50 + 48 slices)"),
    "click-growth": (_click_growth, "covidcell"),
    "shipped-model": (_shipped_model, "medseg100 and covidcell"),
    "p002": (_p002, "P002 and its slice labels (COVID-CT-MD)"),
    "healthy": (_healthy, "medseg100 and covidcell"),
}
"""How each is started, and what its ``--root`` must hold, if anything."""
