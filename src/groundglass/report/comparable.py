"""Whether finished runs can stand in one table."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.errors import InputError
from groundglass.training.finished import FinishedRun


def check_comparable(runs: Sequence[FinishedRun]) -> None:
    """See that runs were tested on the same cases, and that none counts twice.

    Raises:
        InputError: If not, naming the first run that does not fit.
    """
    seen: dict[tuple[str, int], FinishedRun] = {}
    for run in runs:
        _check_cases(run, runs[0])
        if same := seen.get((run.recipe, run.seed)):
            raise InputError(
                f"{run.folder}: has the recipe, the labels and the seed of {same.folder}, so it would count twice; "
                "leave one of them out"
            )
        seen[run.recipe, run.seed] = run


def _check_cases(run: FinishedRun, first: FinishedRun) -> None:
    if not run.result["metrics"]:
        raise InputError(f"{run.folder}: has no test figures, as no test case had a mask; leave it out")
    if _data(run) != _data(first):
        raise InputError(
            f"{run.folder}: was tested on other cases than {first.folder} ({_data(run)}, not {_data(first)}); compare "
            "runs on one dataset"
        )
    count, wanted = (one.result["n_cases"] for one in (run, first))
    if count != wanted:
        raise InputError(
            f"{run.folder}: was tested on {count} cases and {first.folder} on {wanted}, for a recipe that wants lungs "
            "leaves out cases that show none; compare runs tested on the same cases"
        )


def _data(run: FinishedRun) -> str:
    return f"{run.result['dataset']}, split {run.result['split_hash']}"
