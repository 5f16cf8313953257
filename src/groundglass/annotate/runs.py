"""The runs that were trained from the page: their names and numbers."""

from __future__ import annotations

from pathlib import Path

PREFIX = "annotate-"


def next_number(runs: Path) -> int:
    """The number of the next run of a folder."""
    return 1 + max(map(run_number, runs.glob(f"{PREFIX}*")), default=0)


def run_number(run: Path) -> int:
    """The number in a run's name, 0 if it has none."""
    digits = run.name.removeprefix(PREFIX).removesuffix(".log")
    return int(digits) if digits.isdecimal() else 0


def finished_runs(runs: Path) -> list[Path]:
    """Runs with a result, in the order they were started."""
    found = [run for run in runs.glob(f"{PREFIX}*") if run_number(run) and (run / "result.json").is_file()]
    return sorted(found, key=run_number)
