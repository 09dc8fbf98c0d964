"""The scripts: a payment's whole life, as the public API can bring it about."""

from collections.abc import Mapping

from infra.stripe_sandbox.differential.steps import Script, Step, call

_INTENT: dict[str, object] = {"amount": 1000, "currency": "usd", "allowed_payment_method_types": ["card"]}
ROW = ("type", "reporting_category", "amount", "fee", "net", "currency", "exchange_rate")


def _pay(name: str, card: str = "visa", *, key: str | None = None, **changes: object) -> Step:
    """Make a payment of $10.00 with a test card, and confirm it."""
    return _create(name, key=key, **{"confirm": True, "payment_method": f"pm_card_{card}", **changes})


def _create(name: str, *, key: str | None = None, **changes: object) -> Step:
    """Make an intent of $10.00 for cards; a change to None leaves a parameter out."""
    params = {member: value for member, value in {**_INTENT, **changes}.items() if value is not None}
    return Step(name=name, call="payment_intents.create", params=params, key=key)


def _rows(name: str, source: str) -> Step:
    """List what an object did to the balance."""
    return Step(name=name, call="balance_transactions.list", params={"source": source}, only=ROW)


PAYMENT: Script = (
    _pay("intent", metadata={"order": "7"}, expand=["latest_charge"]),
    call("again", "payment_intents.retrieve", "$intent.id"),
    call("confirmed_twice", "payment_intents.confirm", "$intent.id"),
    call("canceled", "payment_intents.cancel", "$intent.id"),
    _rows("rows", "$intent.latest_charge.id"),
)
STEPWISE: Script = (
    _create("intent", description="socks"),
    call("without_method", "payment_intents.confirm", "$intent.id"),
    call("changed", "payment_intents.update", "$intent.id", amount=1200, metadata={"order": "7"}),
    call("confirmed", "payment_intents.confirm", "$intent.id", payment_method="pm_card_mastercard"),
    call("too_late", "payment_intents.update", "$intent.id", amount=1300),
)
DECLINES: Script = (
    _pay("generic", "chargeDeclined"),
    _pay("insufficient_funds", "chargeDeclinedInsufficientFunds"),
    _pay("lost_card", "chargeDeclinedLostCard"),
    _pay("stolen_card", "chargeDeclinedStolenCard"),
    _pay("expired_card", "chargeDeclinedExpiredCard"),
    _pay("incorrect_cvc", "chargeDeclinedIncorrectCvc"),
    _pay("processing_error", "chargeDeclinedProcessingError"),
    _create("another"),
    call("declined", "payment_intents.confirm", "$another.id", payment_method="pm_card_chargeDeclined"),
    call("paid", "payment_intents.confirm", "$another.id", payment_method="pm_card_visa"),
)
HOLDS: Script = (
    _pay("held", capture_method="manual", expand=["latest_charge"]),
    call("refund_of_hold", "refunds.create", payment_intent="$held.id"),
    call("too_much", "payment_intents.capture", "$held.id", amount_to_capture=1001),
    call("captured", "payment_intents.capture", "$held.id", amount_to_capture=700, expand=["latest_charge"]),
    call("the_rest", "payment_intents.capture", "$held.id", amount_to_capture=300),
    _rows("rows", "$held.latest_charge.id"),
    _pay("second", capture_method="manual"),
    call("released", "payment_intents.cancel", "$second.id", cancellation_reason="abandoned", expand=["latest_charge"]),
    call("too_late", "payment_intents.capture", "$second.id"),
)
REFUNDS: Script = (
    _pay("intent"),
    call("part", "refunds.create", payment_intent="$intent.id", amount=400, reason="requested_by_customer"),
    call("too_much", "refunds.create", payment_intent="$intent.id", amount=700),
    call("rest", "refunds.create", payment_intent="$intent.id"),
    call("nothing_left", "refunds.create", payment_intent="$intent.id"),
    call("listed", "refunds.list", payment_intent="$intent.id"),
    call("charge", "charges.retrieve", "$intent.latest_charge", expand=["refunds"]),
    _rows("rows", "$rest.id"),
    _create("unpaid"),
    call("refund_of_unpaid", "refunds.create", payment_intent="$unpaid.id"),
)
REFUND_COURSES: Script = (
    _pay("slow", "pendingRefund"),
    call("pending", "refunds.create", payment_intent="$slow.id"),
    Step(name="arrived", call="refunds.retrieve", path=("$pending.id",), until=("status", "succeeded")),
    _pay("failing", "refundFail"),
    call("made", "refunds.create", payment_intent="$failing.id"),
    Step(name="failed", call="refunds.retrieve", path=("$made.id",), until=("status", "failed")),
    _rows("rows", "$made.id"),
    call("charge", "charges.retrieve", "$failing.latest_charge"),
)
DISPUTES: Script = (
    _pay("intent", "createDispute"),
    Step(name="charge", call="charges.retrieve", path=("$intent.latest_charge",), until=("disputed", True)),
    call("disputes", "disputes.list", charge="$charge.id"),
    call("refund", "refunds.create", charge="$charge.id"),
    call(
        "answered",
        "disputes.update",
        "$disputes.data.0.id",
        evidence={"uncategorized_text": "winning_evidence"},
    ),
    Step(name="won", call="disputes.retrieve", path=("$disputes.data.0.id",), until=("status", "won")),
    _rows("rows", "$won.id"),
    _pay("second", "createDisputeInquiry"),
    Step(name="asked", call="charges.retrieve", path=("$second.latest_charge",), until=("disputed", True)),
    call("inquiries", "disputes.list", payment_intent="$second.id"),
    call("given_up", "disputes.close", "$inquiries.data.0.id"),
    call("given_up_twice", "disputes.close", "$inquiries.data.0.id"),
)
AUTHENTICATION: Script = (
    _pay("asked", "threeDSecure2Required", return_url="https://example.com/back"),
    _pay("absent", "authenticationRequired", off_session=True),
    call("given_up", "payment_intents.cancel", "$asked.id", cancellation_reason="requested_by_customer"),
)
IDEMPOTENCY: Script = (
    _pay("first", key="pay"),
    _pay("again", key="pay"),
    _pay("other_amount", key="pay", amount=2000),
    _pay("declined", "chargeDeclined", key="no"),
    _pay("declined_again", "chargeDeclined", key="no"),
    _create("bad", key="bad", currency=None),
    _pay("mended", key="bad"),
)
REFUSALS: Script = (
    _create("no_amount", amount=None),
    _create("too_small", amount=10),
    _create("zero", amount=0),
    _create("unknown_currency", currency="xxx"),
    _create("unknown_parameter", colour="red"),
    _create("removed_parameter", allowed_payment_method_types=None, payment_method_types=["card"]),
    call("unknown_intent", "payment_intents.retrieve", "pi_nobodyhasthisone"),
    call("unknown_charge", "charges.retrieve", "ch_nobodyhasthisone"),
    call("unknown_refund", "refunds.retrieve", "re_nobodyhasthisone"),
    call("unknown_dispute", "disputes.retrieve", "du_nobodyhasthisone"),
    call("unknown_row", "balance_transactions.retrieve", "txn_nobodyhasthisone"),
    call("unknown_event", "events.retrieve", "evt_nobodyhasthisone"),
    _pay("unknown_expansion", expand=["nothing"]),
    call("too_many", "charges.list", limit=101),
)
CURRENCIES: Script = tuple(
    _pay(f"{currency}_{amount}", currency=currency, amount=amount, expand=["latest_charge"])
    for currency, amount in (("jpy", 1000), ("kwd", 10_000), ("isk", 100_000), ("eur", 1000), ("kwd", 10_001))
)
CUSTOMERS: Script = (
    call("customer", "customers.create", email="reader@books.test", name="A. Reader", metadata={"user": "7"}),
    call("again", "customers.retrieve", "$customer.id"),
    call("moved", "customers.update", "$customer.id", address={"city": "Berlin", "country": "DE"}),
    _pay("intent", customer="$customer.id", statement_descriptor_suffix="BOOKS 2", expand=["latest_charge"]),
    call("no_customer_any_more", "payment_intents.update", "$intent.id", customer=""),
    _create("unknown_customer", customer="cus_nobodyhasthisone"),
    call("unknown", "customers.retrieve", "cus_nobodyhasthisone"),
    call("no_address", "customers.create", email="nobody"),
    _create("suffix_too_long", statement_descriptor_suffix="BOOKS AND OTHER MATTERS"),
    _create("suffix_without_letters", statement_descriptor_suffix="2026-11"),
    _create("suffix_with_a_star", statement_descriptor_suffix="BOOKS * 2"),
)
PAYOUTS: Script = (
    _pay("intent", "bypassPending"),
    Step(name="payout", call="payouts.create", params={"amount": 500, "currency": "usd"}),
    Step(name="too_much", call="payouts.create", params={"amount": 999_999_999, "currency": "usd"}, only=("object",)),
    call("canceled", "payouts.cancel", "$payout.id"),
    _rows("rows", "$payout.id"),
)

SCRIPTS: Mapping[str, Script] = {
    "authentication": AUTHENTICATION,
    "currencies": CURRENCIES,
    "customers": CUSTOMERS,
    "declines": DECLINES,
    "disputes": DISPUTES,
    "holds": HOLDS,
    "idempotency": IDEMPOTENCY,
    "payment": PAYMENT,
    "payouts": PAYOUTS,
    "refund-courses": REFUND_COURSES,
    "refunds": REFUNDS,
    "refusals": REFUSALS,
    "stepwise": STEPWISE,
}
