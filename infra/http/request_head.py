"""What the head of a request may be, before any application sees it. Pure: from what the parser found.

A header that decides what a request is may be there once: of two, a proxy before us may have read the other one.
"""

from collections.abc import Sequence

from infra.http import request_problems
from infra.http.limits import HttpLimits
from infra.http.problems import Problem

Headers = Sequence[tuple[bytes, bytes]]
"""Their names in lower case."""

_ONCE = frozenset(
    {
        b"host",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"authorization",
        b"idempotency-key",
        b"stripe-signature",
        b"paystream-min-position",
    }
)
_OURS = _ONCE | {b"prefer", b"if-none-match", b"expect", b"x-request-id", b"x-correlation-id"}
_OF_UPGRADES = frozenset({b"upgrade", b"http2-settings"})


class HeadRefused(Exception):
    """The head is not taken. `problem` is the answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def check_head(version: str, url: bytes, headers: Headers, limits: HttpLimits) -> bool:
    """Return whether a body follows the head of a request in a version of HTTP such as `1.1`. Raises HeadRefused."""
    once = _headers_once(url, headers, limits)
    _check_framing(version, once)
    return b"transfer-encoding" in once or once.get(b"content-length", b"0") != b"0"


def head_too_large(url: bytes, headers: Headers, limits: HttpLimits) -> Problem:
    """Return what is too large of a head that may not have been read to its end: the URL, or the headers."""
    if not headers and len(url) > limits.max_url_bytes:
        return request_problems.url_too_long(limits.max_url_bytes)
    return request_problems.head_too_large(limits.max_head_bytes, limits.max_headers)


def head_without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return the head as it would be of a client that asks for no other protocol."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    for name, value in headers:
        if name in _OF_UPGRADES:
            continue
        if name == b"connection":
            kept = [each for each in value.split(b",") if each.strip().lower() not in _OF_UPGRADES]
            lines += [b"connection: " + b",".join(kept)] if kept else []
            continue
        lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])


def _headers_once(url: bytes, headers: Headers, limits: HttpLimits) -> dict[bytes, bytes]:
    """Return the headers that may be there once."""
    if len(url) > limits.max_url_bytes:
        raise HeadRefused(request_problems.url_too_long(limits.max_url_bytes))
    if len(headers) > limits.max_headers:
        raise HeadRefused(head_too_large(url, headers, limits))
    once: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ONCE:
            if name in once:
                raise HeadRefused(request_problems.repeated_header(name.decode()))
            once[name] = value
        elif b"_" in name and name.replace(b"_", b"-") in _OURS:
            raise HeadRefused(request_problems.header_with_underscore(name.decode()))
    return once


def _check_framing(version: str, once: dict[bytes, bytes]) -> None:
    coding = once.get(b"transfer-encoding")
    if version not in ("1.1", "1.0"):
        raise HeadRefused(request_problems.unknown_version())
    if version == "1.1" and b"host" not in once:
        raise HeadRefused(request_problems.no_host())
    if coding is not None and version == "1.0":
        raise HeadRefused(request_problems.malformed("HTTP/1.0 has no Transfer-Encoding."))
    if coding is not None and coding.strip().lower() != b"chunked":
        raise HeadRefused(request_problems.unknown_coding())
