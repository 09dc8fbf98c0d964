"""The Stripe SDK, set up to do only what we tell it: no retries of its own, a time-out, one address.

Importing `stripe` takes most of a second: only what calls Stripe imports this module.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import stripe

from infra.settings.stripe import StripeSettings

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""As JSON writes it; after a backslash that is itself escaped it is five characters of a text."""
# More than a worker has calls in flight: none waits for another one's connection.
_MAX_CONNECTIONS = 200


class AioHttpTransport(stripe.HTTPClient):
    """The SDK's transport over aiohttp, whose every call ends after `timeout_s`, slow trickles included.

    The SDK's own `AIOHTTPClient` lets errors that come while the answer is read pass as aiohttp's. Over httpx a call
    takes seven times the processor time (docs/decisions/0007).
    """

    name = "aiohttp"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._proxy_of = cache(_proxy_of)
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_closed(self) -> bool:
        """Whether no connection is open."""
        return self._session is None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises stripe.APIConnectionError when it is not known what became of it."""
        try:
            async with self._connected().request(
                method,
                url,
                headers=headers,
                data=post_data,
                allow_redirects=False,
                proxy=self._proxy_of(*urlsplit(url)[:2]),
            ) as response:
                return without_nul(await response.read()), response.status, response.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            message = f"no answer from Stripe: {type(error).__name__} {error}".rstrip()
            raise stripe.APIConnectionError(message, should_retry=True) from error

    async def close_async(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made while the loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
            )
        return self._session


def without_nul(answer: bytes) -> bytes:
    """Return a JSON document with the replacement character for each NUL, which PostgreSQL cannot hold in a text."""
    return _NUL.sub(rb"\1\\ufffd", answer) if b"\\u0000" in answer else answer


def _proxy_of(scheme: str, address: str) -> str | None:
    """Return the proxy that HTTPS_PROXY and NO_PROXY name for an address.

    aiohttp would look at the environment, and at a file in the home, with each request.
    """
    host = address.rpartition("@")[2]
    return None if proxy_bypass(host) else getproxies().get(scheme)


def create_stripe(settings: StripeSettings, transport: stripe.HTTPClient | None = None) -> stripe.StripeClient:
    """Return a client, of STRIPE_API_BASE if set, for use with the `..._async` methods.

    Retries are ours to decide, with our idempotency key: the SDK would make up a key where none is given.
    """
    return stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        base_addresses={"api": settings.stripe_api_base or stripe.DEFAULT_API_BASE},
        max_network_retries=0,
        http_client=transport or create_transport(settings),
    )


def create_transport(settings: StripeSettings) -> AioHttpTransport:
    """Return a transport whose calls end after STRIPE_TIMEOUT_MS."""
    return AioHttpTransport(settings.stripe_timeout_ms / 1000)


@asynccontextmanager
async def stripe_client(settings: StripeSettings) -> AsyncIterator[stripe.StripeClient]:
    """Lend a client and close its connections afterwards."""
    transport = create_transport(settings)
    try:
        yield create_stripe(settings, transport)
    finally:
        await transport.close_async()
