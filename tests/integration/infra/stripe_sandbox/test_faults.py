"""Faults as the official SDK meets them, over real sockets."""

from typing import TYPE_CHECKING

import pytest
import stripe

from infra.stripe_sandbox.client import SandboxAdmin

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PAYMENT: "PaymentIntentCreateParams" = {
    "amount": 1000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "allowed_payment_method_types": ["card"],
}
KEY: stripe.RequestOptions = {"idempotency_key": "event-1"}


@pytest.mark.parametrize(
    ("effect", "charges"), [("reset_before", 0), ("reset_after", 1), ("timeout_before", 0), ("timeout_after", 1)]
)
async def test_a_connection_is_cut(sdk: stripe.StripeClient, admin: SandboxAdmin, effect: str, charges: int) -> None:
    await admin.add_fault(effect, method="POST", path="/v1/payment_intents", times=1, ms=100)

    with pytest.raises(stripe.APIConnectionError):
        await sdk.v1.payment_intents.create_async(PAYMENT, KEY)
    made = len(await admin.charges())
    again = await sdk.v1.payment_intents.create_async(PAYMENT, KEY)

    assert made == charges
    assert again.status == "succeeded"
    assert len(await admin.charges()) == 1


@pytest.mark.parametrize(
    ("effect", "error", "status"),
    [
        ("rate_limit", stripe.RateLimitError, 429),
        ("lock_timeout", stripe.RateLimitError, 429),
        ("key_in_use", stripe.StripeError, 409),
        ("error_before", stripe.APIError, 500),
        ("error_after", stripe.APIError, 500),
    ],
)
async def test_a_request_fails(
    sdk: stripe.StripeClient, admin: SandboxAdmin, effect: str, error: type[stripe.StripeError], status: int
) -> None:
    await admin.add_fault(effect, method="POST", times=1)

    with pytest.raises(error) as failed:
        await sdk.v1.payment_intents.create_async(PAYMENT, KEY)

    assert failed.value.http_status == status
    (rule,) = await admin.faults()
    assert rule["fired"] == 1


async def test_balance_transactions_disputes_and_payouts_are_read(
    sdk: stripe.StripeClient, admin: SandboxAdmin
) -> None:
    await sdk.v1.payment_intents.create_async({**PAYMENT, "payment_method": "pm_card_bypassPending"})
    # Captured in the answer: with `automatic_async` the row comes later.
    expand: list[str] = ["latest_charge.balance_transaction"]
    intent = await sdk.v1.payment_intents.create_async({**PAYMENT, "capture_method": "automatic", "expand": expand})
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    (made,) = await admin.pay_out()
    await admin.dispute(intent.latest_charge.id)

    disputes = await sdk.v1.disputes.list_async({"charge": intent.latest_charge.id})
    closed = await sdk.v1.disputes.close_async(disputes.data[0].id)
    payout = await sdk.v1.payouts.retrieve_async(str(made["id"]), {"expand": ["balance_transaction"]})
    rows = await sdk.v1.balance_transactions.list_async({"payout": payout.id, "limit": 1})
    types = [row.type async for row in rows.auto_paging_iter()]
    balance = await sdk.v1.balance.retrieve_async()

    assert intent.latest_charge.balance_transaction.net == 941
    assert (closed.status, closed.balance_transactions[0].fee) == ("lost", 1500)
    assert payout.amount == 941
    assert isinstance(payout.balance_transaction, stripe.BalanceTransaction)
    assert types == ["payout", "charge"]
    assert sum(entry.amount for entry in balance.available) == -2500
