"""Train on generated chest CT from clicks and from masks, compare, predict an unseen scan and write a page.

Example: groundglass demo -o demo/
"""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser
from jsonargparse import Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass demo``."""
    parser.add_argument("-o", "--output", default="demo", help="folder for the dataset, the runs and the page")
    parser.add_argument("--seed", type=int, default=0, help="seed of the scans and of the training")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: Namespace) -> None:
    """Run the demo; the path of its page is the last line."""
    from groundglass.cli.tables import figures_table
    from groundglass.demo.run import run_demo

    demo = run_demo(Path(arguments.output), seed=arguments.seed, quiet=arguments.quiet)
    figures_table({row.title: row.run.result for row in demo.rows})
    print(demo.page.resolve())
