"""Which addresses a webhook may be sent to: a merchant's URL must not reach into our own network (SSRF).

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html. A name is no
protection, as it may resolve to anything, and to something else a moment later: what is checked is the address that
is connected to (`infra.webhooks_out.transport`).
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_MAX_URL_CHARS = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What cloud providers answer a machine's secrets at, beside 169.254.169.254, which is link-local: Azure's is global.
_METADATA = frozenset(
    map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")  # https://url.spec.whatwg.org/#ends-in-a-number-checker
_NAME = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*", re.IGNORECASE)
"""https://www.rfc-editor.org/rfc/rfc1123#section-2.1, with underscores, which are in use."""
_LOCAL_NAMES = (".localhost", ".local", ".internal")
_NOT_PUBLIC = "must name a host of the public internet"
_IPV4_BITS = 2**32 - 1

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OSError):
    """Nothing is sent to this address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressPolicy:
    """What may be called: with `allow_private` also this machine and its network, with `allow_http` without TLS."""

    allow_private: bool
    allow_http: bool

    def check_address(self, text: str) -> None:
        """Raise AddressRefused unless the address is a public one."""
        address = ipaddress.ip_address(text.partition("%")[0])
        if not (self.allow_private or is_public(address)):
            raise AddressRefused(f"{address} is not a public address")

    def problem_with(self, url: str) -> str | None:
        """Return why a merchant may not have this URL, or None. What its name resolves to is checked when used."""
        if len(url) > _MAX_URL_CHARS or not url.isascii() or any(each <= " " or each == "\x7f" for each in url):
            return f"must be a URL of up to {_MAX_URL_CHARS} characters of ASCII, without blanks"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "must be a URL"
        schemes = ("https", "http") if self.allow_http else ("https",)
        if parts.scheme not in schemes or not parts.hostname or port == 0:
            return f"must be like {schemes[0]}://example.com/webhooks"
        if parts.username is not None or parts.password is not None:
            return "must have no user name and no password"
        if parts.fragment:
            return "must have no fragment"
        return self._problem_with_host(parts.hostname)

    def _problem_with_host(self, host: str) -> str | None:
        try:
            self.check_address(host)
        except AddressRefused:
            return _NOT_PUBLIC
        except ValueError:  # a name, or an address in a form that others read in ways of their own: 127.1, 0x7f000001
            host = host.removesuffix(".")
            if not _NAME.fullmatch(host):
                return "must name a host"
            if _NUMBER.fullmatch(host.rpartition(".")[2]):
                return _NOT_PUBLIC
            if not self.allow_private and f".{host}".endswith(_LOCAL_NAMES):
                return _NOT_PUBLIC
        return None


def is_public(address: Address) -> bool:
    """Return whether an address, and the IPv4 address that it may stand for, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if (alias := address.ipv4_mapped) is not None:
            return is_public(alias)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & _IPV4_BITS))
        if not all(map(is_public, filter(None, (address.sixtofour, *(address.teredo or ()))))):
            return False
        if address.is_site_local:
            return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and address not in _METADATA
    )
