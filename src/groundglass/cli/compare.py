"""Compare finished runs on the test cases they share: mean and spread over seeds.

Runs that differ in nothing but the seed are one line of the table; what tells the lines apart is said in them.

Example: groundglass compare runs/pl-0 runs/pl-1 runs/pl-2 runs/full-0 runs/full-1 runs/full-2 -o table.md
"""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.errors import InputError
from groundglass.files import check_writable

SUFFIXES = (".md", ".csv")


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass compare``."""
    parser.add_argument("runs", nargs="+", help="run folders made by 'groundglass train', tested on the same cases")
    parser.add_argument("-o", "--output", help="write the table to this file too: .md, or .csv with all digits")


def run(arguments: Namespace) -> None:
    """Read the runs, print the table and write it if that is wanted."""
    from groundglass.files import write_text
    from groundglass.report.comparable import check_comparable
    from groundglass.report.run_comparison import comparison_csv
    from groundglass.report.run_comparison import comparison_markdown
    from groundglass.training.finished import read_finished

    output = None if arguments.output is None else _checked(Path(arguments.output))
    runs = [read_finished(Path(folder)) for folder in arguments.runs]
    check_comparable(runs)
    table = comparison_markdown(runs)
    if output is not None:
        write_text(output, comparison_csv(runs) if output.suffix.lower() == ".csv" else table)
    print(table, end="")


def _checked(output: Path) -> Path:
    if output.suffix.lower() not in SUFFIXES:
        raise InputError(f"{output}: a table is written as {' or '.join(SUFFIXES)}; choose such a name")
    if output.exists():
        raise InputError(f"{output}: exists already; choose another name, or remove it first")
    check_writable(output.parent)
    return output
