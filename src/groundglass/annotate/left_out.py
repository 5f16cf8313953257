"""Scans that cannot be asked about."""

from __future__ import annotations

import threading

from groundglass.annotate.image import Stamp
from groundglass.annotate.source import Source
from groundglass.errors import InputError


class LeftOut:
    """Scans that could not be read when something was to be asked about them, until their files change.

    Args:
        source: Where they are.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._why: dict[str, tuple[Stamp | None, str]] = {}
        self._lock = threading.Lock()

    @property
    def notices(self) -> list[str]:
        """A sentence for each, with the reason."""
        with self._lock:
            return [f"nothing is asked about case {case}: {reason}" for case, (_, reason) in self._why.items()]

    def add(self, case: str, error: InputError) -> None:
        """Leave a scan out from now on."""
        now = self._stamp(case)
        with self._lock:
            self._why[case] = (now, str(error))

    def __contains__(self, case: str) -> bool:
        known = self._why.get(case)
        if known is None:
            return False
        if known[0] == self._stamp(case):
            return True
        with self._lock:  # its file is another now, or there again: it may be tried once more
            self._why.pop(case, None)
        return False

    def _stamp(self, case: str) -> Stamp | None:
        try:
            return self.source.image(case).stamp
        except InputError:
            return None
