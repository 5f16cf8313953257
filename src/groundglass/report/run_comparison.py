"""Runs over seeds as a table: a line for each recipe and its settings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from groundglass.report.markdown import machines
from groundglass.report.markdown import markdown
from groundglass.report.markdown import mean_sd
from groundglass.report.markdown import spread
from groundglass.training.finished import FinishedRun

METRICS = {
    "dice_global": "Dice",
    "dice_global_at_threshold": "Dice at the run's own threshold",
    "dice_case": "Dice per case",
    "ppv": "PPV",
    "sensitivity": "sensitivity",
    "average_precision": "AP",
}
SECONDS = {"label_seconds": "labels (s)", "train_seconds": "training (s)"}
SPREAD = "_sd_over_seeds"
"""``dice_case_sd`` is a spread over cases."""
ENOUGH = 3
"""Seeds, for a spread that says something."""
FEW_SEEDS = f"Lines of fewer than {ENOUGH} seeds: differences of a few points of Dice are chance."
NOTE = "Research use only: not a medical device."


@dataclass(frozen=True, eq=False)
class Line:
    """Runs that differ in nothing but the seed.

    Args:
        facts: Method, network and, if other lines have others, settings, and the number of seeds.
        runs: The runs.
    """

    facts: dict[str, str]
    runs: list[FinishedRun]

    def metric(self, name: str) -> list[float | None]:
        """A figure of the test cases, of each seed; ``None`` where it is not defined."""
        return [run.result["metrics"].get(name) for run in self.runs]

    def seconds(self, name: str) -> float:
        """What the labels, or the training, took, as a mean over seeds."""
        return float(mean(run.result[name] for run in self.runs))


def lines_of(runs: Sequence[FinishedRun]) -> list[Line]:
    """The lines of a table, in the order in which their first runs were given."""
    groups: dict[str, list[FinishedRun]] = {}
    for run in runs:
        groups.setdefault(run.recipe, []).append(run)
    settings = [group[0].settings for group in groups.values()]
    apart = _telling_apart(settings)
    return [
        Line({**_names(one, apart), "seeds": str(len(group))}, group)
        for one, group in zip(settings, groups.values(), strict=True)
    ]


def comparison_markdown(runs: Sequence[FinishedRun]) -> str:
    """The table in Markdown, and below it what it shows and what it does not."""
    lines = lines_of(runs)
    rows = [
        [
            *(fact.replace("|", r"\|") for fact in line.facts.values()),
            *(mean_sd(line.metric(name)) for name in METRICS),
            *(f"{line.seconds(name):.0f}" for name in SECONDS),
        ]
        for line in lines
    ]
    table = markdown([*lines[0].facts, *METRICS.values(), *SECONDS.values()], rows)
    return "\n\n".join([table, *_notes(lines)]) + "\n"


def comparison_csv(runs: Sequence[FinishedRun]) -> str:
    """The table as CSV: figures under their names in ``result.json``, each with its spread; empty if undefined."""
    lines = lines_of(runs)
    content = io.StringIO()
    table = csv.writer(content, lineterminator="\n")
    table.writerow([*lines[0].facts, *(name + end for name in METRICS for end in ("", SPREAD)), *SECONDS])
    for line in lines:
        figures = [value for name in METRICS for value in spread(line.metric(name))]
        seconds = [f"{line.seconds(name):.1f}" for name in SECONDS]
        table.writerow([*line.facts.values(), *("" if one is None else f"{one:.5f}" for one in figures), *seconds])
    return content.getvalue()


def _telling_apart(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys beside method and network in which lines differ; options only of lines of one method, or network.

    Options of another method are others anyway.
    """
    keys = dict.fromkeys(key for one in settings for key in one if key not in ("method", "network"))
    return [key for key in keys if any(len(values) > 1 for values in _values(settings, key))]


def _values(settings: Sequence[Mapping[str, Any]], key: str) -> Iterator[set[str]]:
    """The values of a key among the lines in which it means the same."""
    name, _, option = key.partition("_options.")
    owners = {one[name] for one in settings} if option else {None}
    for owner in owners:
        yield {json.dumps(one.get(key)) for one in settings if owner is None or one[name] == owner}


def _names(settings: Mapping[str, Any], apart: Sequence[str]) -> dict[str, str]:
    names = {"method": settings["method"], "network": settings["network"]}
    differing = [f"{key} {_text(settings[key])}" for key in apart if key in settings]
    return {**names, "settings": ", ".join(differing) or "-"} if apart else names


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).strip('"')


def _notes(lines: Sequence[Line]) -> list[str]:
    results = [run.result for line in lines for run in line.runs]
    one = results[0]
    notes = [
        f"Mean ± sd over seeds; test cases: {one['n_cases']} of {one['dataset']}, split {one['split_hash']}. Dice is "
        "global (one count over all pixels) and, as PPV and sensitivity, at a threshold of 0.5 unless it says "
        f"otherwise; AP is average precision. Machine: {machines(results)}."
    ]
    if any(len(line.runs) < ENOUGH for line in lines):
        notes.append(FEW_SEEDS)
    return [*notes, NOTE]
