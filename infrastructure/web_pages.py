"""Requests that a web page makes its visitor's browser send to a server without authentication.

The browser names the page in ``Origin``. A page whose name an attacker's DNS points to this machine
(DNS rebinding) is of the same origin; its name then is the ``Host`` of the request.
"""

from dataclasses import dataclass
from ipaddress import ip_address

MISDIRECTED, FORBIDDEN = 421, 403


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class PageGuard:
    """Refuses the requests of foreign web pages.

    Attributes:
        hosts: names, in lower case, under which the server may be addressed beside loopback's.
        origins: origins whose pages may send requests beside the server's own.
        addresses: whether it may be addressed by any IP address: rebinding needs a name.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    addresses: bool = False

    def refusal(self, scheme: str, host: str | None, origin: str | None) -> tuple[int, str] | None:
        """Status and reason of the refusal of a request, None if it is not refused.

        Args:
            scheme: http or https.
            host: the header ``Host``; None: the client sent none, hence is no browser.
            origin: the header ``Origin``, if it was sent.
        """
        if host is not None and not self._is_ours(_name(host)):
            return MISDIRECTED, f"This server is not addressed as {host!r} without authentication"
        if origin is None or origin in self.origins:
            return None
        if host is None or origin.lower() != f"{scheme}://{host}".lower():
            return FORBIDDEN, f"Pages of the Origin {origin!r} may not send requests here"
        return None

    def _is_ours(self, name: str) -> bool:
        if name in self.hosts or is_loopback(name):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return self.addresses


def _name(host: str) -> str:
    """The name or address in a ``Host`` header, in lower case, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
