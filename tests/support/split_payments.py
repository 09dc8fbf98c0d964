"""Split payments as their users meet them: over HTTP, with the sandbox's books as the judge of the money."""

from collections.abc import Sequence
from typing import Any

import httpx

from tests.support.system import Json, System, new_key
from tests.support.waiting import eventually

ENDED = {"completed", "compensated", "given_up"}
VISA = "pm_card_visa"
DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"
STRONG = "pm_card_authenticationRequired"


def a_split(*methods: str, cents: Sequence[int] = (), **fields: Any) -> Json:
    """Return the body of a split payment whose legs are paid by these methods."""
    amounts = cents or [1000 + 100 * number for number in range(len(methods))]
    legs = [
        {"user_id": f"guest_{number}", "amount_cents": amount, "payment_method": method}
        for number, (method, amount) in enumerate(zip(methods, amounts, strict=True))
    ]
    return {"user_id": "host", "currency": "USD", "legs": legs, **fields}


class SplitPayments:
    """Split payments of a running system."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def create(self, body: Json, *, key: str | None = None, wait: int | None = None) -> httpx.Response:
        """POST /split-payments."""
        headers = {"Idempotency-Key": key or new_key()}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        return await self._system.command.post("/split-payments", json=body, headers=headers)

    async def post(
        self, split_payment_id: str, action: str, *, wait: int | None = None, **fields: Any
    ) -> httpx.Response:
        """POST /split-payments/{id}/{action}."""
        headers = {"Idempotency-Key": new_key()}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        return await self._system.command.post(
            f"/split-payments/{split_payment_id}/{action}", json=fields, headers=headers
        )

    async def shown(self, split_payment_id: str, *, min_position: int = 0) -> Json:
        """GET /split-payments/{id} from the query API."""
        answer = await self._system.query.get(
            f"/split-payments/{split_payment_id}", params={"min_position": min_position}
        )
        answer.raise_for_status()
        return answer.json()  # type: ignore[no-any-return]

    async def becomes(self, split_payment_id: str, status: str, *, within: float = 30) -> Json:
        """Wait until the query API shows it with this status."""

        async def probe() -> Json:
            answer = await self._system.query.get(f"/split-payments/{split_payment_id}")
            return answer.json() if answer.is_success else {"status": None}

        return await eventually(probe, until=lambda found: found["status"] == status, within=within)

    async def becomes_ended(self, split_payment_id: str, *, within: float = 30) -> Json:
        """Wait until the query API shows it as ended, and its refunds too."""

        def is_ended(found: Json) -> bool:
            return found["status"] in ENDED and all(each["status"] != "pending" for each in found["refunds"])

        return await eventually(lambda: self.shown(split_payment_id), until=is_ended, within=within)

    async def taken(self, shown: Json) -> list[int]:
        """What the sandbox has taken on each leg, less what it gave back."""
        return [await self._taken(leg["payment_id"]) for leg in shown["legs"]]

    async def held(self, shown: Json) -> list[str]:
        """The legs on which the sandbox holds money."""
        return [
            leg["payment_id"]
            for leg in shown["legs"]
            for intent in await self._system.intents(leg["payment_id"])
            if intent["status"] == "requires_capture"
        ]

    async def _taken(self, payment_id: str) -> int:
        charges = await self._system.charges(payment_id)
        return sum(
            charge["amount_captured"] - charge["amount_refunded"]
            for charge in charges
            if charge["status"] == "succeeded" and charge["captured"]
        )
