"""Look at a slice as a trained run sees it: its heat map, and what its method makes on the way.

Of decomposition, VA-GAN and BL these are the versions of the slice; of attention fusion the activation map, the
saliency and the pseudo mask (white is lesion, gray is left open).

Example: groundglass look runs/decomposition data/ --case lesion-007 --slice 3 -o slice.png
"""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass look``."""
    parser.add_argument("checkpoint", help="a run folder or a .ckpt file")
    parser.add_argument("data", help="a dataset folder made by 'groundglass prepare'")
    parser.add_argument("--case", required=True, help="name of a case of the dataset")
    parser.add_argument("--slice", type=int, required=True, help="number of its slice, from 0 at the feet")
    parser.add_argument("-o", "--output", required=True, help="the PNG to write")


def run(arguments: Namespace) -> None:
    """Draw the picture."""
    from groundglass.datasets.folder import DatasetFolder
    from groundglass.datasets.splits import PARTS
    from groundglass.experiments.checkpoint import load_method
    from groundglass.files import write_bytes
    from groundglass.report.slice_views import slice_views

    method, config = load_method(arguments.checkpoint)
    if config.grid.depth is not None:
        raise InputError(f"{arguments.checkpoint}: this model sees whole scans, not slices; use 'groundglass predict'")
    folder = DatasetFolder.open(arguments.data)
    cases = {case.case: case for part in PARTS for case in getattr(folder.split, part)}
    if arguments.case not in cases:
        raise InputError(f"{folder.root}: has no case {arguments.case!r}; its dataset.json lists them")
    write_bytes(
        Path(arguments.output), slice_views(method, config.grid, folder, cases[arguments.case], arguments.slice)
    )
    print(arguments.output)
