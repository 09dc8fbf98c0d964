"""Sends webhooks over HTTP."""

from typing import Protocol

import aiohttp

from infra.stripe_sandbox.webhooks.falsify import Message

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class NotSentError(Exception):
    """There was no answer; the receiver may still have taken it."""


class Transport(Protocol):
    """Sends one message."""

    async def send(self, url: str, message: Message) -> int:
        """Return the status of the answer. Raises NotSentError when there is none in time."""

    async def close(self) -> None:
        """Close the connections."""


class HttpTransport:
    """Sends over HTTP; redirects are not followed, as Stripe does not follow them."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, message: Message) -> int:
        """Return the status of the answer. Raises NotSentError when there is none in time."""
        try:
            async with self._connected().post(
                url, data=message.body, headers=message.headers, allow_redirects=False
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise NotSentError(f"{type(error).__name__} {error}".rstrip()) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        """Return the session, which can only be made while the loop runs."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": USER_AGENT}, timeout=self._timeout
            )
        return self._session
