"""Turn a folder of images and masks into a dataset, and make labels from its masks.

Layouts: covid-semiseg, covidcell, medseg9, covid-ct-seg20, mosmed, nnunet, decathlon, folder (images/ and masks/),
phantom (generated), joined (several of these).
Examples: groundglass prepare scans/ -o data/ --labels points
          groundglass prepare data/ --labels slice-tags
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.arguments import names
from groundglass.datasets.catalog import LAYOUTS
from groundglass.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass prepare``."""
    parser.add_argument(
        "root",
        help="the folder to read, or for phantom and joined any name; with --labels alone, a prepared dataset",
    )
    parser.add_argument("-o", "--output", help="the dataset folder to make")
    parser.add_argument("--layout", default="folder", help=f"one of {', '.join(LAYOUTS.entries)}")
    parser.add_argument("--options", type=dict[str, Any], default={}, help="options of the layout")
    parser.add_argument("--protocol", help="split of the papers: separate or mixed; by default the layout's own")
    parser.add_argument(
        "--labels",
        help="labels to make, by default all that masks and tags allow: points,masks,slice-tags,scan-tags; or none",
    )
    parser.add_argument("--cases", default="*", help="label only cases whose name fits this pattern, as 'medseg-*'")
    parser.add_argument(
        "--rule", default="distance", help="where a click falls in a lesion: distance, uniform, released"
    )
    parser.add_argument(
        "--lesion-free", default="ignore", help="slices without lesion: ignore, or background (all of it)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the points")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Prepare the dataset, then its labels."""
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.datasets.simulated import possible_kinds
    from groundglass.datasets.simulated import simulate_labels

    _check(arguments)
    folder = _prepared(arguments) if arguments.output else DatasetFolder.open(arguments.root)
    kinds = names(arguments.labels or "") or possible_kinds(folder)
    kinds = [] if arguments.labels == "none" else kinds
    if arguments.output and (own := folder.store.read()):
        print(f"{folder.root}: {len(own)} points that came with the scans")
    if kinds:
        count = simulate_labels(
            folder,
            kinds,
            rule=arguments.rule,
            lesion_free=arguments.lesion_free,
            seed=arguments.seed,
            only=arguments.cases,
        )
        print(f"{folder.root}: {count} labels ({', '.join(kinds)})")
    split = folder.split
    print(
        f"{folder.root}: {len(split.training)} training, {len(split.validation)} validation and {len(split.test)} test "
        f"cases, split {split.hash}"
    )


def _check(arguments: Namespace) -> None:
    """What can be told before anything is written."""
    from groundglass.datasets.simulated import check_wanted

    kinds = [] if arguments.labels == "none" else names(arguments.labels or "")
    check_wanted(kinds, arguments.seed, arguments.rule, arguments.lesion_free)
    if not arguments.output and not arguments.labels:
        raise InputError("give -o for the dataset folder to make, or --labels to add labels to a prepared dataset")


def _prepared(arguments: Namespace) -> Any:
    from rich.progress import Progress

    from groundglass.datasets.prepare import prepare

    reads = inspect.signature(LAYOUTS.get(arguments.layout).__init__).parameters
    given: dict[str, Any] = {"root": arguments.root} if "root" in reads else {}
    layout = LAYOUTS.build(arguments.layout, arguments.options, **given)
    with Progress(disable=arguments.quiet) as progress:
        task = progress.add_task("cases")
        return prepare(
            layout,
            arguments.output,
            name=Path(arguments.root).name,
            protocol=arguments.protocol,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
