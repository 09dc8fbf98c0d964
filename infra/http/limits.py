"""What one HTTP client may take of the server before anybody knows who it is: bytes, time, connections."""

import ipaddress
import resource
from collections import Counter
from dataclasses import dataclass

from infra.settings.process import ProcessSettings

_OTHER_DESCRIPTORS = 128
"""Files and sockets of a process that are no clients of its HTTP server: pools, logs, Redis, Kafka."""
_IPV6_PREFIX = 64
"""What one customer of an access provider has to itself: https://www.rfc-editor.org/rfc/rfc6177."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpLimits:
    """The bounds of one server. Times are in seconds."""

    max_head_bytes: int = 32 * 1024
    """Request line and headers together."""
    max_url_bytes: int = 24 * 1024
    max_headers: int = 100
    head_timeout_s: float = 10
    """From the connection's beginning, or from a request's first byte on one that is kept, to the end of its head."""
    body_timeout_s: float = 30
    """From the end of the head to the end of the body."""
    write_timeout_s: float = 30
    """How long a client may leave what it was sent unread."""
    keep_alive_s: int = 75
    """Longer than the usual keep-alive of clients and load balancers' probes, so that the client closes first."""
    max_connections: int = 2000
    max_connections_per_address: int = 1000

    @classmethod
    def from_settings(cls, settings: ProcessSettings) -> "HttpLimits":
        """Return the limits of a process: never more connections than it may have open files."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = settings.http_max_connections
        if files != resource.RLIM_INFINITY:
            most = min(most, max(files - _OTHER_DESCRIPTORS, 1))
        return cls(
            head_timeout_s=settings.http_head_timeout_ms / 1000,
            body_timeout_s=settings.http_body_timeout_ms / 1000,
            write_timeout_s=settings.http_write_timeout_ms / 1000,
            max_connections=most,
            max_connections_per_address=settings.http_max_connections_per_address,
        )


class Connections:
    """Counts the open connections of a server, of each address."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._by_address = Counter[str]()
        self._total = 0

    def admit(self, address: str) -> bool:
        """Count one more, unless there are as many as there may be."""
        taken = self._by_address[address] >= self._limits.max_connections_per_address
        if taken or self._total >= self._limits.max_connections:
            return False
        self._by_address[address] += 1
        self._total += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def address_of(host: str) -> str:
    """Return what is counted as one address: of IPv6, the network that one customer has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
