"""Who may come in: a token that works once becomes a cookie."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from groundglass.errors import InputError
from groundglass.labels.events import NOT_PEOPLE

IDLE_SECONDS = 12 * 3600
"""After so long without a request a cookie is good no more."""


class Sessions:
    """One single-use token an annotator, and the cookies they became. An open page keeps its cookie in use.

    Args:
        annotators: Their names.

    Raises:
        InputError: If there is none, two are the same, or one is empty, too long or what labels of no person have.
    """

    def __init__(self, annotators: Sequence[str]) -> None:
        names = [name.strip() for name in annotators]
        if not names or len(set(names)) < len(names) or not all(0 < len(name) <= 60 for name in names):
            raise InputError(f"annotators {', '.join(names) or 'none'}: give different names of 1 to 60 characters")
        if taken := sorted(NOT_PEOPLE.intersection(names)):
            raise InputError(f"an annotator cannot be called {taken[0]!r}: no person's labels are; choose another name")
        self.tokens = {secrets.token_urlsafe(32): name for name in names}
        self._cookies: dict[str, str] = {}
        self._used: dict[str, float] = {}

    def redeem(self, token: str) -> str | None:
        """The cookie for a token, which is used up by this; ``None`` if it is wrong or used."""
        known = next((one for one in self.tokens if secrets.compare_digest(one.encode(), token.encode())), None)
        if known is None:
            return None
        cookie = secrets.token_urlsafe(32)
        self._cookies[cookie] = self.tokens.pop(known)
        self._used[cookie] = time.time()
        return cookie

    def annotator(self, cookie: str) -> str | None:
        """Whose cookie it is, which is good for another :data:`IDLE_SECONDS` from now; ``None`` if it is nobody's."""
        found = (one for one in self._cookies if secrets.compare_digest(one.encode(), cookie.encode()))
        known, now = next(found, None), time.time()
        if known is None or now - self._used[known] > IDLE_SECONDS:
            return None
        self._used[known] = now
        return self._cookies[known]
