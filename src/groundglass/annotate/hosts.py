"""By which names and addresses this server may be reached."""

from __future__ import annotations

import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

from groundglass.errors import InputError

logger = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def check_host(host: str, *, allow_remote: bool) -> None:
    """Whether the server may be bound to an address.

    Raises:
        InputError: If other machines reach it and that was not allowed.
    """
    if is_loopback(host):
        return
    if not allow_remote:
        raise InputError(f"--host {host}: other machines could reach the scans; add --allow-remote if that is wanted")
    logger.warning(
        "other machines can reach this server at %s, unencrypted: whoever has a link sees the scans; use a trusted "
        "network only, or a tunnel (ssh -L)",
        host,
    )


def in_link(host: str) -> str:
    """The address as links have it."""
    name = socket.gethostname() if host in EVERYWHERE else host
    return f"[{name}]" if ":" in name else name


class OwnHost:
    """Lets in requests that call this server by its own name, or by the address at which they reached it.

    A foreign name that leads here is an attack (DNS rebinding): a page of another site would be taken for ours.

    Args:
        app: What is guarded.
        host: Address the server is bound to.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        names = [*LOOPBACK, host, *([] if is_loopback(host) else [socket.gethostname(), socket.getfqdn()])]
        self.names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard one request."""
        if scope["type"] == "http" and not self._is_own(scope):
            refused = PlainTextResponse("This request calls the server by a name that is not its own.", 400)
            return await refused(scope, receive, send)
        await self.app(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        name = _called(Headers(scope=scope).get("host", ""))
        reached = _address(scope["server"][0]) if scope.get("server") else None
        return name in self.names or (reached is not None and _address(name) == reached)


def _called(header: str) -> str:
    """The name or address of a Host header, without port and brackets; empty if it is none."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.netloc == header and "@" not in header else ""


def _address(text: str) -> Address | None:
    """An address, or ``None`` if it is a name; IPv4 is the same where it comes through an IPv6 socket."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
