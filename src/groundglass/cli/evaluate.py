"""Score a trained run on the test cases of a dataset, or on another of its parts.

Example: groundglass evaluate runs/first data/ --orientations 8
"""

from __future__ import annotations

import json

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass evaluate``."""
    parser.add_argument("checkpoint", help="a run folder or a .ckpt file")
    parser.add_argument("data", help="a dataset folder made by 'groundglass prepare'")
    parser.add_argument("--part", default="test", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--threshold", type=float, default=0.5, help="probability above which a pixel is lesion")
    parser.add_argument("--orientations", type=int, help="average over 1, 2 or 8 flips and turns")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: Namespace) -> None:
    """Score, and print the figures."""
    from groundglass.cli.tables import figures_table
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.experiments.checkpoint import load_method
    from groundglass.prediction.build import build_predictor
    from groundglass.prediction.evaluate import evaluate
    from groundglass.prediction.evaluate import scored_cases

    if arguments.part not in PARTS:
        raise InputError(f"--part {arguments.part!r}: choose one of {', '.join(PARTS)}")
    method, config = load_method(arguments.checkpoint)
    folder = DatasetFolder.open(arguments.data)
    predictor = build_predictor(method, config, orientations=arguments.orientations)
    pairs = scored_cases(folder, getattr(folder.split, arguments.part), config.grid)
    metrics = evaluate(predictor, pairs, threshold=arguments.threshold)
    if arguments.json:
        print(json.dumps(metrics))
    else:
        figures_table({config.method: {"metrics": metrics}})
