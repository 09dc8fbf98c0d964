"""What a fault does to a request, step by step: `api.py` asks at each of them."""

import asyncio
from dataclasses import dataclass

from infra.stripe_sandbox.errors import StripeError, internal_error, key_in_use, lock_timeout, rate_limited
from infra.stripe_sandbox.faults.registry import Fault
from infra.stripe_sandbox.faults.rules import Effect

_BEFORE = frozenset({Effect.LATENCY_BEFORE, Effect.TIMEOUT_BEFORE, Effect.RESET_BEFORE})
_AFTER = frozenset({Effect.LATENCY_AFTER, Effect.TIMEOUT_AFTER, Effect.RESET_AFTER})
_DROPPING = frozenset({Effect.TIMEOUT_BEFORE, Effect.TIMEOUT_AFTER, Effect.RESET_BEFORE, Effect.RESET_AFTER})
DEFAULT_TIMEOUT_MS = 60_000


class ConnectionDropped(ConnectionResetError):
    """The request gets no answer: its connection is cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFault:
    """What goes wrong with one request; by default, nothing."""

    fault: Fault | None = None

    def refusal(self, key: str | None) -> StripeError | None:
        """Return the error with which the request is refused before anything begins, if any."""
        match self._effect:
            case Effect.RATE_LIMIT:
                return rate_limited()
            case Effect.LOCK_TIMEOUT:
                return lock_timeout()
            case Effect.KEY_IN_USE if key is not None:
                return key_in_use(key)
            case _:
                return None

    async def before(self) -> None:
        """Wait, or end without an effect. Raises ConnectionDropped."""
        if self._effect in _BEFORE:
            await self._wait()

    async def after(self) -> None:
        """Wait, or end without an answer; the effect is committed. Raises ConnectionDropped."""
        if self._effect in _AFTER:
            await self._wait()

    @property
    def error_before(self) -> StripeError | None:
        """The failure that comes in place of the effect."""
        return self._error(Effect.ERROR_BEFORE)

    @property
    def error_after(self) -> StripeError | None:
        """The failure that is answered although the effect stays."""
        return self._error(Effect.ERROR_AFTER)

    @property
    def should_retry(self) -> bool | None:
        """What the Stripe-Should-Retry header is made to say."""
        return None if self.fault is None else self.fault.rule.should_retry

    @property
    def _effect(self) -> Effect | None:
        return None if self.fault is None else self.fault.effect

    def _error(self, effect: Effect) -> StripeError | None:
        if self.fault is None or self.fault.effect is not effect:
            return None
        return internal_error(self.fault.rule.status)

    async def _wait(self) -> None:
        assert self.fault is not None
        timeout = self.fault.effect in {Effect.TIMEOUT_BEFORE, Effect.TIMEOUT_AFTER}
        await asyncio.sleep((self.fault.rule.ms or (DEFAULT_TIMEOUT_MS if timeout else 0)) / 1000)
        if self.fault.effect in _DROPPING:
            raise ConnectionDropped(self.fault.effect)


NONE = RequestFault()
