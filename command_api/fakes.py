"""Stand-ins in memory for what the command API works with; the same contract tests run against them and the real ones.

For unit tests only: nothing is durable, and everything is in one process.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from command_api.commands.response_cache import InFlight, KeyClaim
from domain.ids import MerchantId, StripeIntentId
from event_store.appends import StoredResponse
from event_store.payments import LoadedPayment
from schemas.http.payouts import PaidTransactionPage


class MemoryResponseCache:
    """A `ResponseCache` whose markers and responses never expire."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredResponse | KeyClaim] = {}
        self._claims = 0

    async def claim(self, merchant_id: MerchantId, key: str) -> KeyClaim | InFlight | StoredResponse:
        """Take the key, unless it is taken or its answer is known."""
        name = f"{len(merchant_id)}:{merchant_id}:{key}"
        kept = self._kept.get(name)
        if isinstance(kept, StoredResponse):
            return kept
        if kept is not None:
            return InFlight()
        self._claims += 1
        claim = self._kept[name] = KeyClaim(name=name, token=str(self._claims).encode())
        return claim

    async def store(self, claim: KeyClaim, answer: StoredResponse) -> None:
        """Remember the answer."""
        self._kept[claim.name] = answer

    async def release(self, claim: KeyClaim) -> None:
        """Give the key back, if it is still this claim's."""
        if self._kept.get(claim.name) == claim:
            del self._kept[claim.name]


class FixedPaymentWaiter:
    """`StreamWaiter` in which payments have come as far as `payment` says, or Stripe never answers."""

    def __init__(self, payment: LoadedPayment | None = None) -> None:
        self.payment = payment
        self.timeouts_s: list[float] = []

    async def wait(
        self,
        stream_id: UUID,  # noqa: ARG002 - there is one payment
        *,
        after_version: int,
        until: Callable[[Any], bool],  # noqa: ARG002 - waiting would not change it
        timeout_s: float,
    ) -> LoadedPayment | None:
        """Return at once, with what there is that is newer."""
        self.timeouts_s.append(timeout_s)
        return self.payment if self.payment is not None and self.payment.version > after_version else None


class FixedPaidTransactions:
    """`PaidTransactions` that has one page, or an error."""

    def __init__(self, page: PaidTransactionPage | None = None, error: Exception | None = None) -> None:
        self._page = page or PaidTransactionPage(data=[], has_more=False, next_cursor=None)
        self.error = error
        self.requests: list[tuple[str, str | None, int]] = []

    async def page(self, payout_id: str, *, after: str | None, limit: int) -> PaidTransactionPage:
        """Return it."""
        self.requests.append((payout_id, after, limit))
        if self.error is not None:
            raise self.error
        return self._page


class FixedClientSecrets:
    """`ClientSecrets` as Stripe spells them, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.requests: list[str] = []

    async def read(self, intent_id: StripeIntentId) -> SecretStr:
        """Return a secret that names its intent."""
        self.requests.append(intent_id)
        if self.error is not None:
            raise self.error
        return SecretStr(f"{intent_id}_secret_abc123")
