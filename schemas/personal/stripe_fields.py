"""What is personal in Stripe's objects: every text that is not known to be needed for money.

Named are the texts that stay in clear, since Stripe's objects grow: a member that nobody here has heard of is
encrypted. Numbers, true and false stay as they are; of whole objects that tell of a person nothing does.

https://docs.stripe.com/api
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from schemas.personal.encrypted import member
from schemas.personal.fields import JsonObject, PersonalValue
from schemas.personal.subject import Subject

PAYMENT_ID = "paystream_payment_id"
REFUND_ID = "paystream_refund_id"
"""Our ids in the metadata of Stripe's objects."""

_CLEAR = frozenset(
    {
        # what it is, and where it stands
        *("id", "object", "type", "status", "reason", "currency", "api_version", "account", "livemode"),
        *("capture_method", "confirmation_method", "cancellation_reason", "setup_future_usage", "reporting_category"),
        *("code", "decline_code", "failure_code", "failure_reason", "failure_message", "network_status", "risk_level"),
        *(
            "message",
            "seller_message",
            "param",
            "doc_url",
            "advice_code",
            "network_advice_code",
            "network_decline_code",
        ),
        *("network_reason_code", "request_log_url", "method", "exchange_rate", "source_type", "charge_type"),
        # the ids of other objects
        *("payment_intent", "charge", "latest_charge", "refund", "dispute", "customer", "payment_method", "source"),
        *(
            "balance_transaction",
            "failure_balance_transaction",
            "transfer",
            "payout",
            "invoice",
            "review",
            "application",
        ),
        *("on_behalf_of", "destination", "source_transfer", "transfer_group", "source_transfer_reversal"),
        *("transfer_reversal", "reversal", "original_payout", "reversed_by", "network_transaction_id", "mandate"),
        # of cards: no name and no number of anybody
        *("brand", "funding", "network", "country", "last4", "wallet", "display_brand", "payment_method_types"),
        *("allowed_payment_method_types", "available", "preferred", "networks", "cvc_check"),
        # how a card is to be asked: each is one of Stripe's own words
        # (https://docs.stripe.com/api/payment_intents/object#payment_intent_object-payment_method_options-card)
        *("request_three_d_secure", "request_extended_authorization", "request_incremental_authorization"),
        *("request_multicapture", "request_overcapture"),
        # what the customer has to do, and where; a list's own address
        *("url", "return_url", "has_more"),
        PAYMENT_ID,
        REFUND_ID,
    }
)
_OF_A_PERSON = frozenset(
    {
        *("billing_details", "shipping", "customer_details", "evidence", "owner", "individual", "address", "level3"),
        *("customer_address", "customer_shipping", "shipping_details", "billing_address", "shipping_address"),
        *("bank_account", "us_bank_account", "sepa_debit", "receipt", "fraud_details", "card_present", "custom_fields"),
    }
)
_LAST_FOUR = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeEventFields:
    """Of a recorded event of Stripe: its object, and what that was before."""

    def find(self, data: JsonObject, metadata_keys: Collection[str]) -> Iterator[PersonalValue]:  # noqa: ARG002
        """Give the personal values of the object. Metadata is encrypted whole: whose it is nobody knows."""
        shown = data["payload"].get("data")
        if not isinstance(shown, dict):
            return
        subject = subject_of_object(shown.get("object"), data["stripe_event_id"])
        for name in ("object", "previous_attributes"):
            yield from _within(shown.get(name), f"/payload/data/{name}", subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceFields:
    """Of a balance transaction: its description is that of the payment that it is about."""

    def find(self, data: JsonObject, metadata_keys: Collection[str]) -> Iterator[PersonalValue]:  # noqa: ARG002
        """Give the description."""
        if data.get("description"):
            subject = Subject.stripe(data["source_id"] or data["transaction_id"])
            yield PersonalValue(pointer="/description", holder=data, name="description", subject=subject)


def subject_of_object(stripe_object: Any, otherwise: str) -> Subject:
    """Return whose an object of Stripe is: by our payment's id in it, else by the ids that lead to the payment."""
    if not isinstance(stripe_object, dict):
        return Subject.stripe(otherwise)
    metadata = stripe_object.get("metadata")
    if isinstance(metadata, dict) and _is_uuid(metadata.get(PAYMENT_ID)):
        return Subject.stripe(str(UUID(metadata[PAYMENT_ID])))
    for name in ("payment_intent", "charge", "id"):
        if (found := _id_of(stripe_object.get(name))) is not None:
            return Subject.stripe(found)
    return Subject.stripe(otherwise)


def _within(value: Any, pointer: str, subject: Subject) -> Iterator[PersonalValue]:
    """Give the personal members of an object or list; one that is personal as a whole is one value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in members:
        at = member(pointer, name)
        whole = name in _OF_A_PERSON and isinstance(each, dict | list) and bool(each)
        if whole or (isinstance(each, str) and each and not _is_clear(name, pointer)):
            partial = _last_four(each)
            yield PersonalValue(pointer=at, holder=value, name=name, subject=subject, partial=partial)
        elif isinstance(each, dict | list):
            yield from _within(each, at, subject)


def _is_clear(name: str | int, pointer: str) -> bool:
    """Whether a text of this name stays; in a list, its own name counts."""
    return (pointer.rpartition("/")[2] if isinstance(name, int) else name) in _CLEAR


def _last_four(value: Any) -> str | None:
    found = value.get("last4") if isinstance(value, dict) else None
    return found if isinstance(found, str) and _LAST_FOUR.fullmatch(found) else None


def _id_of(reference: Any) -> str | None:
    found = reference.get("id") if isinstance(reference, dict) else reference
    return found if isinstance(found, str) and found else None


def _is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True
