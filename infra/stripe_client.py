"""The Stripe SDK, set up to do only what we tell it: no retries of its own, a time-out, one address.

Importing `stripe` takes most of a second: only what calls Stripe imports this module.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import stripe

from infra.settings import StripeSettings

# More than a worker has calls in flight: none waits for another one's connection.
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=200)


class HttpxTransport(stripe.HTTPClient):
    """The SDK's transport over httpx, whose every call ends after `timeout_s`, slow trickles included.

    The SDK's own `HTTPXClient` limits only the single phases of a call, and hands httpx the body in a deprecated way.
    """

    name = "httpx"

    def __init__(self, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(transport=transport, timeout=timeout_s, limits=_LIMITS)

    @property
    def is_closed(self) -> bool:
        """Whether `close_async` was called."""
        return self._http.is_closed

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises stripe.APIConnectionError when it is not known what became of it."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.request(method, url, headers=headers, content=post_data)
        except (httpx.HTTPError, TimeoutError) as error:
            message = f"no answer from Stripe: {type(error).__name__} {error}".rstrip()
            raise stripe.APIConnectionError(message, should_retry=True) from error
        return response.content, response.status_code, response.headers

    async def close_async(self) -> None:
        """Close the connections."""
        await self._http.aclose()


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


def create_transport(settings: StripeSettings) -> HttpxTransport:
    """Return a transport whose calls end after STRIPE_TIMEOUT_MS."""
    return HttpxTransport(settings.stripe_timeout_ms / 1000)


@asynccontextmanager
async def stripe_client(settings: StripeSettings) -> AsyncIterator[stripe.StripeClient]:
    """Lend a client and close its connections afterwards."""
    transport = create_transport(settings)
    try:
        yield create_stripe(settings, transport)
    finally:
        await transport.close_async()
