"""Name to class, imported only when it is asked for."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from groundglass.errors import InputError
from groundglass.schema import converted


class Registry:
    """Classes by the name a recipe gives them.

    Args:
        what: What they are, for messages: "network", "method".
        entries: Name to ``"module:Class"``.
    """

    def __init__(self, what: str, entries: dict[str, str]) -> None:
        self.what = what
        self.entries = entries

    def get(self, name: str) -> Any:
        """The class called ``name``.

        Raises:
            InputError: If there is none, naming those that are.
        """
        if name not in self.entries:
            raise InputError(f"there is no {self.what} called {name!r}; choose one of {', '.join(self.entries)}")
        module, _, attribute = self.entries[name].partition(":")
        return getattr(import_module(module), attribute)

    def build(self, name: str, options: dict[str, Any], **given: Any) -> Any:
        """An instance of ``name`` from a recipe's ``options`` and what the caller gives.

        Raises:
            InputError: If an option is unknown or missing, or its value is refused.
        """
        cls = self.get(name)
        parameters = inspect.signature(cls.__init__).parameters
        known = [key for key in parameters if key != "self" and key not in given]
        if unknown := sorted(set(options) - set(known)):
            raise InputError(
                f"{self.what} {name!r} has no option {unknown[0]!r}; it has {', '.join(known) or 'none at all'}"
            )
        if missing := [key for key in known if _is_needed(parameters[key]) and key not in options]:
            raise InputError(f"{self.what} {name!r} needs the option {missing[0]!r}; give it")
        try:
            return cls(**converted(cls, options, f"{self.what} {name!r}", set(parameters) - set(options)), **given)
        except InputError:
            raise
        except ValueError as error:  # how torch refuses a value, a dropout of 2 for instance
            raise InputError(f"{self.what} {name!r}: {error}") from error


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )
