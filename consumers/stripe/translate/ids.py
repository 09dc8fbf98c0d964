"""Ids in Stripe's objects: theirs, and ours in the metadata."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.ids import PaymentId
from schemas.personal.stripe_fields import PAYMENT_ID, REFUND_ID

__all__ = ["PAYMENT_ID", "REFUND_ID", "id_of", "is_an_id", "listed_id_of", "payment_id_of", "required_id_of"]

_LONGEST_ID = 255  # https://docs.stripe.com/upgrades


def id_of(reference: Any) -> str | None:
    """Return the id of an object that may be expanded (https://docs.stripe.com/api/expanding_objects), if any."""
    found = reference.get("id") if isinstance(reference, Mapping) else reference
    return found if isinstance(found, str) else None


def required_id_of(reference: Any) -> str:
    """Return the id of an object that may be expanded. Raises TypeError where there is none."""
    found = id_of(reference)
    if found is None:
        raise TypeError("no id where an object is referred to")
    return found


def listed_id_of(row: Any) -> str | None:
    """Return the id by which a row of a list can be asked for and named; None for what has none, whatever it is."""
    found = id_of(row) if isinstance(row, Mapping) else None
    return found if found is not None and is_an_id(found) else None


def is_an_id(text: str) -> bool:
    """Whether a text can be an id of Stripe's: it can be sent, stored and shown."""
    return 0 < len(text) <= _LONGEST_ID and text.isascii() and text.isprintable()


def payment_id_of(metadata: Any) -> PaymentId | None:
    """Return our payment's id in an object's metadata, which anybody with access to the Stripe account can write."""
    found = metadata.get(PAYMENT_ID) if isinstance(metadata, Mapping) else None
    try:
        return PaymentId(UUID(found)) if isinstance(found, str) else None
    except ValueError:
        return None
