"""Score a trained run on the test cases of a dataset, or on another of its parts.

Figures are at 0.5, as the papers have them, and at the run's own threshold, which ``predict`` uses.

In place of a run: smoothed-intensity, smoothed-intensity-median or smoothed-intensity-opened, brightness with a
threshold chosen on the dataset's validation cases. What has learned something beats it.

Examples: groundglass evaluate runs/first data/ --orientations 8
          groundglass evaluate smoothed-intensity-opened data/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.prediction.options import check_inference

if TYPE_CHECKING:
    from groundglass.datasets.progress import Progress


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass evaluate``."""
    parser.add_argument("checkpoint", help="a run folder, a .ckpt file, or a baseline that learns nothing (see above)")
    parser.add_argument("data", help="a dataset folder made by 'groundglass prepare'")
    parser.add_argument("--part", default="test", help=f"one of {', '.join(PARTS)}")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="beside the run's own: lesion above this probability"
    )
    parser.add_argument("--orientations", type=int, help="average over 1, 2 or 8 flips and turns")
    parser.add_argument("--device", default="cpu", help="what the network runs on: auto, cpu, cuda or mps")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Score, and print the figures."""
    from rich.console import Console

    from groundglass.cli.tables import figures_table
    from groundglass.datasets.progress import waiting_bars

    if arguments.part not in PARTS:
        raise InputError(f"--part {arguments.part!r}: choose one of {', '.join(PARTS)}")
    check_inference(arguments.orientations, arguments.threshold)
    # On stderr, since the figures may go to a file or to another program.
    with waiting_bars(None if arguments.quiet else Console(stderr=True)) as bar:
        name, own, (metrics, at_own) = _scored(arguments, bar)
    if arguments.json:
        known = {"threshold": arguments.threshold, "run_threshold": float(f"{own:.4g}"), "at_run_threshold": at_own}
        print(json.dumps(metrics | known, allow_nan=False))
    else:
        rows = {f"at {arguments.threshold:g}": metrics, f"at {own:.3g}, the run's own": at_own}
        figures_table({f"{name} {where}": {"metrics": figures} for where, figures in rows.items()})


def _scored(arguments: Namespace, bar: Callable[[str], Progress]) -> tuple[str, float, list[dict[str, float | None]]]:
    """The method's name, its own threshold, and the figures at the threshold that was given and at its own."""
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.experiments.checkpoint import load_method
    from groundglass.experiments.device import on_device
    from groundglass.prediction.build import build_predictor
    from groundglass.prediction.evaluate import evaluate_at
    from groundglass.prediction.evaluate import scored_cases
    from groundglass.prediction.untrained import UNTRAINED
    from groundglass.prediction.untrained import untrained_predictor

    if arguments.checkpoint in UNTRAINED:
        name, folder = arguments.checkpoint, DatasetFolder.open(arguments.data)
        chosen = bar("choosing the threshold")
        predictor = untrained_predictor(name, folder, orientations=arguments.orientations, progress=chosen)
    else:
        method, config = load_method(arguments.checkpoint)
        name, folder = config.method, DatasetFolder.open(arguments.data)
        predictor = build_predictor(on_device(method, arguments.device), config, orientations=arguments.orientations)
    cases = getattr(folder.split, arguments.part)
    pairs = scored_cases(folder, cases, predictor.grid, progress=bar(f"scoring {arguments.part} cases"))
    own = float(predictor.method.threshold)
    return name, own, [_defined(figures) for figures in evaluate_at(predictor, pairs, [arguments.threshold, own])]


def _defined(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """What is not defined, as the PPV where nothing was predicted, is null in JSON, which knows no NaN."""
    return {name: value if value == value else None for name, value in metrics.items()}
