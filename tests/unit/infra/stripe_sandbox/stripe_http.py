"""What tests of the sandbox share: a client that sends what a Stripe client sends, and a clock moved by hand."""

from typing import Any

import httpx

from infra.stripe_sandbox.app import Sandbox

ADDRESS = "http://sandbox.test"
SECRET_KEY = "sk_test_unit"


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class StripeHttp:
    """Sends what a Stripe client sends."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url=ADDRESS)

    async def post(
        self, path: str, *, secret_key: str = SECRET_KEY, key: str | None = None, **params: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.http.post(path, data=flat(params), headers=headers)

    async def get(self, path: str, *, secret_key: str = SECRET_KEY, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=flat(params), headers={"Authorization": f"Bearer {secret_key}"})

    async def pay(self, **params: Any) -> dict[str, Any]:
        """Create and confirm a payment intent of $10.00 with a good card, whatever `params` say otherwise."""
        response = await self.post("/v1/payment_intents", **{**PAYMENT, **params})
        assert response.status_code == 200, response.text
        intent: dict[str, Any] = response.json()
        return intent

    async def refund(self, intent: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Refund a payment, all of it unless `params` say otherwise."""
        response = await self.post("/v1/refunds", payment_intent=intent["id"], **params)
        assert response.status_code == 200, response.text
        refund: dict[str, Any] = response.json()
        return refund

    async def show(self, path: str, **params: Any) -> dict[str, Any]:
        """Return the object at a path."""
        response = await self.get(path, **params)
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown

    async def data(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return what a list has, newest first."""
        found: list[dict[str, Any]] = (await self.show(path, **params))["data"]
        return found

    async def told(self, since: int = 0) -> list[str]:
        """Return the types of the events, oldest first, without the first ones."""
        events = await self.data("/v1/events", limit=100)
        return [event["type"] for event in events[::-1]][since:]


PAYMENT: dict[str, Any] = {
    "amount": 1000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types": ["card"],
}


def flat(params: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested parameters as Stripe's brackets."""
    pairs: dict[str, str] = {}
    for name, value in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            pairs |= flat(value, path)
        elif isinstance(value, list):
            pairs |= flat({str(index): entry for index, entry in enumerate(value)}, path)
        else:
            pairs[path] = str(value).lower() if isinstance(value, bool) else str(value)
    return pairs
