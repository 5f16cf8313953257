"""Tags of slices as somebody wrote them down: a table whose header says from which end of the patient it counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from groundglass.datasets.catalog.table import named_as_file
from groundglass.datasets.catalog.table import read_rows
from groundglass.errors import InputError
from groundglass.labels.rasterize import UNKNOWN_TAG

FEET = "slice_from_feet"
HEAD = "slice_from_head"
COLUMNS = f"case, tag and {FEET} or {HEAD}"
DIGITS = 6
"""No scan has a slice whose number has more."""


@dataclass(frozen=True)
class CountedTags:
    """The tags of one case.

    Args:
        path: The table.
        case: Name of the case.
        from_head: Whether slice 1 is the one nearest the head, and not the feet.
        tags: Number of a slice, from 1, to 1 (lesion) or 0 (none).
    """

    path: Path
    case: str
    from_head: bool
    tags: dict[int, int] = field(default_factory=dict)

    def feet_first(self, depth: int) -> tuple[int, ...]:
        """The tag of each of ``depth`` slices, from the feet to the head; -1 where there is none.

        Raises:
            InputError: If a slice is tagged that the case does not have.
        """
        if beyond := [number for number in self.tags if number > depth]:
            slices = f"{depth} slice{'s' * (depth != 1)}"
            raise InputError(
                f"{self.path}: case {self.case} has {slices} and a tag for slice {beyond[0]}; mend the table"
            )
        counted = [self.tags.get(number, UNKNOWN_TAG) for number in range(1, depth + 1)]
        return tuple(reversed(counted) if self.from_head else counted)


def read_slice_table(path: Path, scans: Mapping[str, Path]) -> dict[str, CountedTags]:
    """The tags of each case of a table; of a case or slice without a line nothing is known.

    Args:
        path: CSV with the columns ``case``, ``tag`` (1 lesion, 0 none) and ``slice_from_feet`` or ``slice_from_head``,
            which counts from 1.
        scans: The files of all cases by the cases' names; a table may name a case by either.

    Raises:
        InputError: If a column is missing, a line makes no sense or contradicts another, or a case does not exist.
    """
    rows = named_as_file(read_rows(path, ("case", "tag"), wanted=COLUMNS), scans)
    if not rows:
        raise InputError(f"{path}: has no line below its header; add the tags, or take the file away")
    counts = [name for name in (FEET, HEAD) if name in rows[0][1]]
    if len(counts) != 1:
        raise InputError(f"{path}: not a table with the columns {COLUMNS} (slice 1 is the first from there); name them")
    found: dict[str, CountedTags] = {}
    seen: dict[str, dict[int, int]] = defaultdict(dict)
    for line, row in rows:
        case, number, tag = row["case"], row[counts[0]], row["tag"]
        if case not in scans:
            raise InputError(f"{path}: line {line}: there is no case {case!r}; mend the name, or take the line out")
        if not number.isdecimal() or len(number) > DIGITS or int(number) < 1 or tag not in ("0", "1"):
            raise InputError(f"{path}: line {line}: slice {number!r}, tag {tag!r}; count from 1, and tag with 0 or 1")
        if seen[case].setdefault(int(number), int(tag)) != int(tag):
            raise InputError(f"{path}: line {line}: slice {number} of case {case} has another tag above; keep one")
        found[case] = CountedTags(path, case, counts[0] == HEAD, seen[case])
    return found
