"""A client for the control panel, for tests and the demo."""

from types import TracebackType
from typing import Any, Self

import httpx


class SandboxAdmin:
    """Looks into a sandbox and steers it. Raises httpx.HTTPStatusError when the sandbox refuses."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, transport=transport, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def state(self) -> dict[str, object]:
        """Return the number of objects by kind and status, and of idempotency keys."""
        return await self._object("GET", "/_sandbox/state")

    async def payment_intents(self, **metadata: str) -> list[dict[str, object]]:
        """Return every payment intent with this metadata, oldest first."""
        return await self._list("payment_intents", metadata)

    async def charges(self, **metadata: str) -> list[dict[str, object]]:
        """Return every charge with this metadata (a charge has its intent's), oldest first, failed ones too."""
        return await self._list("charges", metadata)

    async def refunds(self, **metadata: str) -> list[dict[str, object]]:
        """Return every refund with this metadata, oldest first."""
        return await self._list("refunds", metadata)

    async def delay(self, **milliseconds: int) -> dict[str, object]:
        """Set `before_ms`, `after_ms` or `jitter_ms`, and return all delays."""
        return await self._object("POST", "/_sandbox/latency", dict(milliseconds))

    async def disputes(self) -> list[dict[str, object]]:
        """Return every dispute, oldest first."""
        return await self._list("disputes", {})

    async def payouts(self) -> list[dict[str, object]]:
        """Return every payout, oldest first."""
        return await self._list("payouts", {})

    async def reset(self) -> None:
        """Make the sandbox forget everything."""
        await self._object("POST", "/_sandbox/reset")

    async def authenticate(self, intent_id: str, outcome: str = "succeed") -> dict[str, object]:
        """Do the customer's part (`succeed` or `fail`) and return the payment intent."""
        return await self._object("POST", f"/_sandbox/payment_intents/{intent_id}/authenticate", {"outcome": outcome})

    async def settle_refund(self, refund_id: str, status: str | None = None) -> dict[str, object]:
        """Move a refund now, to this status or to where it would move later, and return it."""
        return await self._object("POST", f"/_sandbox/refunds/{refund_id}/settle", _given(status=status))

    async def expire(self, charge_id: str) -> dict[str, object]:
        """End a hold now, and return the charge."""
        return await self._object("POST", f"/_sandbox/charges/{charge_id}/expire")

    async def dispute(
        self, charge_id: str, course: str = "fraudulent", *, amount: int | None = None
    ) -> dict[str, object]:
        """Dispute a charge (`fraudulent`, `product_not_received`, `inquiry`) and return the dispute."""
        return await self._object(
            "POST", f"/_sandbox/charges/{charge_id}/dispute", _given(course=course, amount=amount)
        )

    async def decide(self, dispute_id: str, status: str, *, lost_amount: int | None = None) -> dict[str, object]:
        """End a dispute (`won`, `lost`; of an inquiry `warning_closed`, `needs_response`) and return it."""
        body = {"status": status, **_given(lost_amount=lost_amount)}
        return await self._object("POST", f"/_sandbox/disputes/{dispute_id}/decide", body)

    async def pay_out(self, *, fails: bool = False) -> list[dict[str, object]]:
        """Run the daily payout of every account, and return the payouts."""
        return await self._call("POST", "/_sandbox/payouts/run", {"fails": fails})

    async def settle_payout(self, payout_id: str, status: str = "paid") -> dict[str, object]:
        """End a payout (`paid` or `failed`) and return it."""
        return await self._object("POST", f"/_sandbox/payouts/{payout_id}/settle", {"status": status})

    # --- time ---

    async def advance(self, seconds: float) -> dict[str, object]:
        """Move the sandbox's clock ahead; what becomes due moves."""
        return await self._object("POST", "/_sandbox/clock", {"advance_s": seconds})

    async def run_clock_at(self, rate: float) -> dict[str, object]:
        """Make the sandbox's clock run this many times as fast as real time."""
        return await self._object("POST", "/_sandbox/clock", {"rate": rate})

    async def behave(self, **behaviour: object) -> dict[str, object]:
        """Set any of `behaviour.Behaviour`, and return all of it."""
        return await self._object("POST", "/_sandbox/behaviour", dict(behaviour))

    async def restrict_key(self, key: str, *permissions: str, account_of: str | None = None) -> None:
        """Make a key `rk_test_...` that may do this much, of the account of another key or of its own."""
        body = {"key": key, "permissions": list(permissions), **_given(account_of=account_of)}
        await self._call("POST", "/_sandbox/restricted_keys", body)

    # --- webhooks ---

    async def add_endpoint(self, url: str, *secrets: str, **settings: object) -> dict[str, object]:
        """Send events there from now on (settings: enabled_events, account, connect) and return the endpoint."""
        body = {"url": url, "secrets": list(secrets), **settings}
        return await self._object("POST", "/_sandbox/webhook_endpoints", body)

    async def change_endpoint(self, endpoint_id: str, **settings: object) -> dict[str, object]:
        """Change an endpoint (url, secrets, enabled_events, status) and return it."""
        return await self._object("POST", f"/_sandbox/webhook_endpoints/{endpoint_id}", settings)

    async def events(self) -> list[dict[str, object]]:
        """Return every event, oldest first."""
        return await self._list("events", {})

    async def deliveries(self, state: str | None = None) -> list[dict[str, object]]:
        """Return what became of each webhook: `pending`, `delivered`, `failed`, `lost`."""
        return await self._call("GET", "/_sandbox/deliveries" + ("" if state is None else f"?state={state}"))

    async def hasten_deliveries(self) -> None:
        """Make every retry due now."""
        await self._object("POST", "/_sandbox/deliveries/hasten")

    async def send_event(self, event_id: str) -> dict[str, object]:
        """Send an event once more to every endpoint that wants it."""
        return await self._object("POST", f"/_sandbox/events/{event_id}/send")

    # --- faults ---

    async def add_fault(self, effect: str, **rule: object) -> dict[str, object]:
        """Put a rule in force (`faults/rules.py` has its members) and return it."""
        return await self._object("POST", "/_sandbox/faults", {"effect": effect, **rule})

    async def faults(self) -> list[dict[str, object]]:
        """Return every rule with how often it was looked at (`seen`) and came true (`fired`)."""
        return await self._call("GET", "/_sandbox/faults")

    async def clear_faults(self, rule_id: int | None = None) -> None:
        """End one rule, or all."""
        await self._object("DELETE", "/_sandbox/faults" + ("" if rule_id is None else f"/{rule_id}"))

    async def balance_transactions(self) -> list[dict[str, object]]:
        """Return every balance row, hidden ones too, with its account and payout, oldest first."""
        return await self._list("balance_transactions", {})

    async def falsify_row(self, row_id: str, **change: object) -> dict[str, object]:
        """Change a balance row (shown, amount, fee) and return what it was."""
        return await self._object("POST", f"/_sandbox/balance_transactions/{row_id}", change)

    async def add_row(self, **row: object) -> dict[str, object]:
        """Write a balance row that nothing caused (account, source, amount, fee, type, ...)."""
        return await self._object("POST", "/_sandbox/balance_transactions", row)

    async def _object(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        answer: dict[str, object] = await self._answer(method, path, body)
        return answer

    async def _call(self, method: str, path: str, body: dict[str, object] | None = None) -> list[dict[str, object]]:
        answer: list[dict[str, object]] = await self._answer(method, path, body)
        return answer

    async def _list(self, kind: str, metadata: dict[str, str]) -> list[dict[str, object]]:
        filters = {f"metadata[{key}]": value for key, value in metadata.items()}
        answer: list[dict[str, object]] = await self._answer("GET", f"/_sandbox/{kind}", params=filters)
        return answer

    async def _answer(
        self, method: str, path: str, body: dict[str, object] | None = None, params: dict[str, str] | None = None
    ) -> Any:  # JSON, whose shape the callers know
        response = await self._http.request(method, path, json=body, params=params)
        response.raise_for_status()
        return response.json()


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
