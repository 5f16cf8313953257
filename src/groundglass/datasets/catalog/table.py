"""A table that somebody wrote beside the scans: CSV with named columns and a line a case."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path

from groundglass.errors import InputError
from groundglass.scans.readable import readable

Row = dict[str, str]


def read_rows(path: Path, columns: Iterable[str], *, wanted: str) -> list[tuple[int, Row]]:
    """The lines of a table, numbered as in the file: cells by column, without spaces around; a missing one is empty.

    Args:
        path: The file, CSV in UTF-8.
        columns: Names it must have.
        wanted: These in words, for the message.

    Raises:
        InputError: If it cannot be read, is not such a table, or lacks a column.
    """
    with readable(path):
        data = path.read_bytes()
    try:
        reader = csv.DictReader(data.decode("utf-8-sig").splitlines())
        names = [name.strip() for name in reader.fieldnames or []]
        rows = [(reader.line_num, _stripped(row)) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a table with the columns {wanted}; save it as CSV UTF-8") from error
    if missing := [name for name in columns if name not in names]:
        raise InputError(
            f"{path}: has no column {missing[0]}, but {', '.join(map(repr, names)) or 'none'}; name the columns "
            f"{wanted}, with commas between them"
        )
    return rows


def _stripped(row: Mapping[str | None, str | None]) -> Row:
    return {name.strip(): (cell or "").strip() for name, cell in row.items() if name}


def named_as_file(rows: Iterable[tuple[int, Row]], scans: Mapping[str, Path]) -> list[tuple[int, Row]]:
    """The rows with the name of the case where they have that of its file, with its ending."""
    by_file = {path.name: case for case, path in scans.items()}
    return [(line, row | {"case": by_file.get(row["case"], row["case"])}) for line, row in rows]


def read_column(path: Path, column: str, scans: Mapping[str, Path]) -> dict[str, str]:
    """What a table says of each case, as ``patients.csv`` and ``tags.csv``; empty if there is no such file.

    Args:
        path: The file, with the columns ``case`` and ``column``.
        column: What it says of the cases.
        scans: The files of all cases by the cases' names.

    Raises:
        InputError: If it is no such table, or does not say one thing of every case.
    """
    if not path.exists():
        return {}
    rows = named_as_file(read_rows(path, ("case", column), wanted=f"case and {column}"), scans)
    pairs = [(row["case"], row[column]) for _, row in rows]
    found = dict(pairs)
    if wrong := [case for case, value in pairs if not value or found[case] != value]:
        raise InputError(f"{path}: case {wrong[0]} has no {column} or several; give it one")
    if unknown := sorted(scans.keys() - found.keys()):
        raise InputError(f"{path}: has no line for case {unknown[0]}; add it")
    return found
