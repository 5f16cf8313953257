"""Plain values, as YAML and JSON have them, checked against the signature of a class and converted to its types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any
from typing import get_type_hints

from groundglass.errors import InputError

WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "'key: value' lines",
    "NoneType": "null",
    "Path": "a path",
}
"""Types as a person who writes a recipe calls them."""

ONE = re.compile(r'Parser key "([^"]+)": Expected an? (.+?)\. Got value: (.*)')
SEVERAL = re.compile(r'Parser key "([^"]+)": Does not validate .* Subtypes: \[(.+)\] Errors: .* Given value: (.*)')

MISSING = re.compile(r"the following arguments are required: (.+)")
UNKNOWN = re.compile(r"(?:Group '(\w+)' does not accept option|Option) '([\w.]+)'(?: is not accepted)?")


def in_words(message: str) -> str:
    """What jsonargparse says about a wrong or missing value, in words; other messages on one line as they are."""
    message = " ".join(message.split())
    for pattern in (ONE, SEVERAL):
        if found := pattern.fullmatch(message):
            key, types, value = found.groups()
            return f"{key}: expected {_types_in_words(types)}, not {value!r}"
    if found := MISSING.fullmatch(message):
        verb, names = found[1].split(".")[0], [name.split(".")[-1] for name in found[1].split(", ")]
        return f"{verb} needs {' and '.join(names)}; 'groundglass {verb} --help' says what it takes"
    return message


def _types_in_words(types: str) -> str:
    types = re.sub(r"(?<=[>\]]), ", " or ", types)  # the members of a union
    types = re.sub(r"(?:typing\.)?Literal\[(.*?)\]", lambda one: f"one of {one[1]}".replace("'", ""), types)
    types = types.replace("list[str]", "a list of names")
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", lambda one: WORDS.get(one[1], WORDS["dict"]), types)


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
        raise InputError(f"{what}: {_unknown(cls, str(error), skip) or in_words(str(error))}") from error


def _unknown(cls: Any, message: str, skip: Collection[str]) -> str | None:
    """What to say of a name that is none of the class's or, in a group of values, of that group's; else nothing."""
    if not (found := UNKNOWN.fullmatch(" ".join(message.split()))):
        return None
    group, name = found.groups()
    holder = get_type_hints(cls.__init__)[group] if group else cls
    names = [one for one in inspect.signature(holder).parameters if one not in skip]
    return f"there is no key {'.'.join(filter(None, (group, name)))!r}; choose from {', '.join(names)}"
