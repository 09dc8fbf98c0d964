"""Sends a webhook to an address that a merchant chose: no redirects, no proxy, a bounded answer, and a bounded time.

Every connection goes through a socket that is made here for one resolved address, so the address that is checked is
the one that is connected to: a name that resolves to something else the next time (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from infra.webhooks_out.addresses import AddressPolicy, AddressRefused
from infra.webhooks_out.resolver import OwnThreads

_USER_AGENT = "Paystream-Webhooks/1"
_ANSWER_BYTES = 1024
_MOST_CHARS = 500
_ADDRESS = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of an attempt. `status` is None when there was no answer, and `error` says why."""

    duration_ms: int
    status: int | None = None
    body: str | None = None
    """Its first bytes, as text."""
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the endpoint took it."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004 - 2xx


class WebhookTransport:
    """An attempt ends within `timeout_s`, whatever the endpoint does. Close it in the end."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        timeout_s: float,
        concurrency: int,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Prepare it; `resolver` is by default the machine's."""
        self._policy = policy
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Make an attempt. Never raises for what the network or the endpoint does."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(url, headers, body, began)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except aiohttp.ClientConnectorError as failure:
            error = _reason(failure.os_error)
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = _reason(failure)
        return Answer(duration_ms=_since(began), error=error[:_MOST_CHARS])

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes, began: float) -> Answer:
        problem = self._policy.problem_with(url)  # the rules may be stricter than when it was made
        if problem is not None:
            return Answer(duration_ms=_since(began), error=f"the URL {problem}")
        async with self._connected().post(
            url, data=body, headers={"Content-Type": "application/json", **headers}, allow_redirects=False
        ) as response:
            answer = await response.content.read(_ANSWER_BYTES)
            if not response.content.at_eof():
                response.close()  # the rest of it is not read: the connection cannot be used again
            status = response.status
            return Answer(
                duration_ms=_since(began),
                status=status,
                body=_text(answer),
                error=None if status // 100 == 2 else f"answered {status}",  # noqa: PLR2004 - 2xx
                retry_after_s=_seconds(response.headers.get("Retry-After")),
            )

    def _connected(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made while the loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._concurrency,
                    use_dns_cache=False,
                    resolver=self._resolver or OwnThreads(threads=self._concurrency),
                    socket_factory=self._socket,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _USER_AGENT},
                skip_auto_headers={"Accept-Encoding"},
                auto_decompress=False,  # a small answer must not become a large one
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                trust_env=False,
            )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        """Return a socket for a resolved address. Raises AddressRefused."""
        family, kind, protocol, _, where = address
        self._policy.check_address(str(where[_ADDRESS]))
        return socket.socket(family=family, type=kind, proto=protocol)


def _reason(failure: BaseException) -> str:
    """Return what a merchant may read: what the network said, never an address of ours."""
    if isinstance(failure, AddressRefused):
        return "the host is not in the public internet"
    if isinstance(failure, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "the TLS certificate is not valid"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror.partition(", server")[0]
    return type(failure).__name__


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _text(answer: bytes) -> str:
    """Return bytes as PostgreSQL and a terminal can take them."""
    text = answer.decode("utf-8", "replace")[:_MOST_CHARS]
    return "".join(each if each.isprintable() or each in "\n\t" else "�" for each in text)


def _seconds(retry_after: str | None) -> float | None:
    """Read the header Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
