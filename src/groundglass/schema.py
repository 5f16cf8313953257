"""Plain values, as YAML and JSON have them, checked against the signature of a class and converted to its types."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from groundglass.errors import InputError


def converted(cls: type, content: Mapping[str, Any], what: str, skip: Collection[str] = ()) -> dict[str, Any]:
    """Arguments of ``cls`` from plain values, with its defaults for those that are not given.

    Args:
        cls: A class with typed arguments.
        content: Values by name.
        what: What they are, for the message.
        skip: Arguments that others give.

    Raises:
        InputError: If a name is unknown or a value is of the wrong kind.
    """
    from jsonargparse import ArgumentError  # here, as it takes long to import
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(cls, skip=set(skip))
    try:
        return dict(parser.parse_object(dict(content)).as_dict())
    except ArgumentError as error:
        raise InputError(f"{what}: {' '.join(str(error).split())}") from error
