"""What the operations take, written by hand from Stripe's public API reference: https://docs.stripe.com/api.

Apart from the sandbox's own declarations, which it is to judge. Lengths are those of https://github.com/stripe/openapi
(2026-09-30.endive); a text without one there has 5,000. Parameters that the sandbox does not model are left out: the
list in docs/stripe-sandbox.md has them. `test_api_reference.py` compares it with the SDK's types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Type(Enum):
    """What a value is."""

    INTEGER = auto()
    BOOLEAN = auto()
    STRING = auto()
    ARRAY = auto()
    OBJECT = auto()
    RANGE = auto()
    """Of times: a number, or an object with bounds."""
    METADATA = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """One parameter. `good` are values that fit where any text would not, such as an id that there has to be."""

    type: Type
    required: bool = False
    empty: bool = False
    """Whether it may be sent empty, which unsets it."""
    words: tuple[str, ...] = ()
    length: int = 5000
    members: Mapping[str, "Described"] = field(default_factory=dict)
    good: tuple[str, ...] = ()


def integer(*good: str, required: bool = False) -> Described:
    return Described(type=Type.INTEGER, good=good, required=required)


def words(*choices: str, empty: bool = False) -> Described:
    return Described(type=Type.STRING, words=choices, empty=empty)


def string(length: int = 5000, *good: str, required: bool = False, empty: bool = False) -> Described:
    return Described(type=Type.STRING, length=length, good=good, required=required, empty=empty)


def array(*choices: str, good: tuple[str, ...] = ()) -> Described:
    return Described(type=Type.ARRAY, words=choices, good=good)


def thing(members: Mapping[str, Described], *, required: bool = False, empty: bool = False) -> Described:
    return Described(type=Type.OBJECT, members=members, required=required, empty=empty)


BOOLEAN = Described(type=Type.BOOLEAN)
RANGE = Described(type=Type.RANGE)
METADATA = Described(type=Type.METADATA, empty=True)
NEW_METADATA = Described(type=Type.METADATA)

ADDRESS = {name: string() for name in ("city", "country", "line1", "line2", "postal_code", "state")}
IF_AVAILABLE = ("if_available", "never")
CREDENTIALS = ("installment", "recurring", "unscheduled")
# Some of a hundred.
TYPES = ("card", "link", "klarna", "sepa_debit", "us_bank_account")
NETWORKS = (
    "amex",
    "cartes_bancaires",
    "diners",
    "discover",
    "eftpos_au",
    "girocard",
    "interac",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
)

PAGES = {
    "ending_before": string(5000, "{other}"),
    "expand": array(good=()),
    "limit": integer("1", "50", "100"),
    "starting_after": string(5000, "{other}"),
}
DATED_PAGES = {**PAGES, "created": RANGE}
EXPAND = {"expand": array(good=())}


def shipping(*, empty: bool) -> Described:
    parcel = {
        "address": thing(ADDRESS, required=True),
        "carrier": string(),
        "name": string(required=True),
        "phone": string(),
        "tracking_number": string(),
    }
    return thing(parcel, empty=empty)


CARD_OPTIONS = {
    "capture_method": words("manual", empty=True),
    "network": words(*NETWORKS),
    "request_extended_authorization": words(*IF_AVAILABLE),
    "request_incremental_authorization": words(*IF_AVAILABLE),
    "request_multicapture": words(*IF_AVAILABLE),
    "request_overcapture": words(*IF_AVAILABLE),
    "request_three_d_secure": words("any", "automatic", "challenge"),
    "require_cvc_recollection": BOOLEAN,
    "setup_credential_usage": words(*CREDENTIALS),
    "setup_future_usage": words("none", "off_session", "on_session", empty=True),
    "stored_credential_usage": words(*CREDENTIALS),
}
LINK_OPTIONS = {
    "capture_method": words("manual", empty=True),
    "persistent_token": string(),
    "setup_future_usage": words("none", "off_session", empty=True),
}
METHOD_OPTIONS = thing({"card": thing(CARD_OPTIONS, empty=True), "link": thing(LINK_OPTIONS, empty=True)})
INTENT = {
    "allowed_payment_method_types": array(*TYPES),
    "capture_method": words("automatic", "automatic_async", "manual"),
    "expand": array(good=("latest_charge", "customer", "payment_method")),
    "payment_method": string(5000, "pm_card_visa", "pm_card_mastercard"),
    "payment_method_options": METHOD_OPTIONS,
}
DESCRIBED = {
    "customer": string(5000, "{customer}"),
    "description": string(1000),
    "statement_descriptor": string(22, "BOOKS AND MORE"),
    "statement_descriptor_suffix": string(22, "BOOKS"),
    "transfer_group": string(),
}
EMAIL = ("reader@books.test",)
FUTURE = ("off_session", "on_session")
CONFIRMATION = {
    "error_on_requires_action": BOOLEAN,
    "off_session": Described(type=Type.BOOLEAN, words=("one_off", "recurring")),
    "return_url": string(5000, "https://shop.test/back", "shop://back"),
    "use_stripe_sdk": BOOLEAN,
}
CUSTOMER = {
    **EXPAND,
    "address": thing(ADDRESS, empty=True),
    "business_name": string(150, empty=True),
    "description": string(),
    "email": string(512, *EMAIL),
    "individual_name": string(150, empty=True),
    "metadata": METADATA,
    "name": string(256),
    "phone": string(20),
    "preferred_locales": array(good=("de", "en-GB")),
    "shipping": thing(
        {"address": thing(ADDRESS, required=True), "name": string(required=True), "phone": string()}, empty=True
    ),
    "tax_exempt": words("exempt", "none", "reverse", empty=True),
    "validate": BOOLEAN,
}
LONG = (
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "duplicate_charge_explanation",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "uncategorized_text",
)
SHORT = (
    "billing_address",
    "cancellation_policy",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_id",
    "receipt",
    "refund_policy",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
)

OPERATIONS: Mapping[str, Mapping[str, Described]] = {
    "POST /v1/payment_intents": {
        **INTENT,
        **DESCRIBED,
        **CONFIRMATION,
        "amount": integer("50", "1000", "99999999", required=True),
        "automatic_payment_methods": thing(
            {"allow_redirects": words("always", "never"), "enabled": Described(type=Type.BOOLEAN, required=True)}
        ),
        "confirm": BOOLEAN,
        "confirmation_method": words("automatic", "manual"),
        "currency": string(5000, "usd", "eur", required=True),
        "metadata": NEW_METADATA,
        "receipt_email": string(5000, *EMAIL),
        "setup_future_usage": words(*FUTURE),
        "shipping": shipping(empty=False),
    },
    "POST /v1/payment_intents/{intent}": {
        **INTENT,
        **DESCRIBED,
        "amount": integer("50", "1000"),
        "currency": string(5000, "usd", "eur"),
        "metadata": METADATA,
        "receipt_email": string(5000, *EMAIL, empty=True),
        "setup_future_usage": words(*FUTURE, empty=True),
        "shipping": shipping(empty=True),
    },
    "POST /v1/payment_intents/{intent}/confirm": {
        **INTENT,
        **CONFIRMATION,
        "amount_to_confirm": integer("1000"),
        "client_secret": string(5000, "{secret}"),
        "receipt_email": string(5000, *EMAIL, empty=True),
        "setup_future_usage": words(*FUTURE, empty=True),
        "shipping": shipping(empty=True),
    },
    "POST /v1/payment_intents/{held}/capture": {
        **EXPAND,
        "amount_to_capture": integer("1", "1000"),
        "final_capture": BOOLEAN,
        "metadata": METADATA,
        "statement_descriptor": string(22, "BOOKS AND MORE"),
        "statement_descriptor_suffix": string(22, "BOOKS"),
    },
    "POST /v1/payment_intents/{intent}/cancel": {
        **EXPAND,
        "cancellation_reason": words("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
    },
    "GET /v1/payment_intents": {**DATED_PAGES, "customer": string(5000, "{customer}")},
    "GET /v1/payment_intents/{intent}": {**EXPAND, "client_secret": string(5000, "{secret}")},
    "GET /v1/payment_intents/search": {
        "expand": array(good=("data.latest_charge",)),
        "limit": integer("1", "100"),
        "page": string(5000, "MTAw"),
        "query": string(5000, "status:'succeeded'", "amount>100", required=True),
    },
    "POST /v1/refunds": {
        "amount": integer("1", "300"),
        "charge": string(5000, "{charge}"),
        "expand": array(good=("charge", "payment_intent")),
        "metadata": METADATA,
        "payment_intent": string(5000, "{paid}"),
        "reason": words("duplicate", "fraudulent", "requested_by_customer"),
    },
    "GET /v1/refunds": {**DATED_PAGES, "charge": string(5000, "{charge}"), "payment_intent": string(5000, "{paid}")},
    "GET /v1/refunds/{refund}": EXPAND,
    "POST /v1/refunds/{refund}": {**EXPAND, "metadata": METADATA},
    "GET /v1/charges": {
        **DATED_PAGES,
        "customer": string(5000, "{customer}"),
        "payment_intent": string(5000, "{paid}"),
        "transfer_group": string(),
    },
    "GET /v1/charges/{charge}": {"expand": array(good=("balance_transaction", "refunds"))},
    "POST /v1/customers": CUSTOMER,
    "POST /v1/customers/{customer}": CUSTOMER,
    "GET /v1/customers": {**DATED_PAGES, "email": string(512, *EMAIL)},
    "GET /v1/customers/{customer}": EXPAND,
    "GET /v1/disputes": {**DATED_PAGES, "charge": string(5000, "{charge}"), "payment_intent": string(5000, "{paid}")},
    "GET /v1/disputes/{dispute}": {"expand": array(good=("charge",))},
    "POST /v1/disputes/{dispute}": {
        **EXPAND,
        "evidence": thing({name: string(20_000) for name in LONG} | {name: string() for name in SHORT}),
        "intended_submission_method": words("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"),
        "metadata": METADATA,
        "submit": BOOLEAN,
    },
    "POST /v1/payouts": {
        **EXPAND,
        "amount": integer("1", "100", required=True),
        "currency": string(5000, "usd", required=True),
        "description": string(),
        "metadata": NEW_METADATA,
        "method": words("instant", "standard"),
        "source_type": words("card", "bank_account", "fpx"),
        "statement_descriptor": string(22, "BOOKS"),
    },
    "GET /v1/payouts": {**DATED_PAGES, "status": string(5000, "paid", "pending")},
    "POST /v1/payouts/{payout}": {**EXPAND, "metadata": METADATA},
    "GET /v1/balance_transactions": {
        **DATED_PAGES,
        "currency": string(5000, "usd"),
        "payout": string(5000, "{payout}"),
        "source": string(5000, "{charge}"),
        "type": string(5000, "charge"),
    },
    "GET /v1/balance_transactions/{row}": {"expand": array(good=("source",))},
    "GET /v1/balance": EXPAND,
    "GET /v1/events": {
        **DATED_PAGES,
        "type": string(5000, "charge.succeeded"),
        "types": array(good=("charge.updated",)),
        "delivery_success": BOOLEAN,
    },
    "GET /v1/events/{event}": EXPAND,
}
