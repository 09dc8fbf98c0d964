"""The state of a customer."""

from dataclasses import dataclass, field
from typing import ClassVar

from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.records import Record

NOT_EXEMPT = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer(Record):
    """Who pays. Their payment methods, subscriptions and balances are not kept."""

    KIND: ClassVar[str] = "customer"

    address: JsonObject | None = None
    business_name: str | None = None
    description: str | None = None
    email: str | None = None
    individual_name: str | None = None
    name: str | None = None
    phone: str | None = None
    preferred_locales: list[str] = field(default_factory=list)
    shipping: JsonObject | None = None
    tax_exempt: str = NOT_EXEMPT
