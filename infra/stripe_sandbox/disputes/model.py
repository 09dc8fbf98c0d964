"""The state of a dispute."""

from dataclasses import dataclass, field
from typing import ClassVar

from infra.stripe_sandbox.cards import DisputeCourse
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.records import Record

NEEDS_RESPONSE = "needs_response"
UNDER_REVIEW = "under_review"
WON = "won"
LOST = "lost"
WARNING_NEEDS_RESPONSE = "warning_needs_response"
WARNING_UNDER_REVIEW = "warning_under_review"
WARNING_CLOSED = "warning_closed"

CLOSED = frozenset({WON, LOST, WARNING_CLOSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute(Record):
    """A charge in dispute. An inquiry (`warning_...`) takes no money and lets the charge be refunded."""

    KIND: ClassVar[str] = "dispute"
    PREFIX: ClassVar[str] = "du"

    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    reason: str
    brand: str
    network_reason_code: str
    inquiry: bool
    due_by: int
    eligibility: str | None = None
    """The network's program, of `ELIGIBILITY`."""
    evidence: JsonObject = field(default_factory=dict)
    submission_count: int = 0
    past_due: bool = False
    intended_submission_method: str | None = None
    balance_transactions: list[JsonObject] = field(default_factory=list)
    """What it did to the balance, as it was shown then."""
    decides_to: str | None = None
    """How the bank will decide on the evidence."""

    @property
    def intent_id(self) -> str | None:
        """The payment intent whose charge is disputed."""
        return self.payment_intent

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self.status in CLOSED


REASONS = {
    DisputeCourse.FRAUDULENT: ("fraudulent", "10.4"),
    DisputeCourse.NOT_RECEIVED: ("product_not_received", "13.1"),
    DisputeCourse.INQUIRY: ("fraudulent", "10"),
    DisputeCourse.COMPELLING_EVIDENCE: ("fraudulent", "10.4"),
    DisputeCourse.COMPLIANCE: ("noncompliant", "compliance"),
    DisputeCourse.SMART: ("fraudulent", "10.4"),
    DisputeCourse.TWICE: ("fraudulent", "10.4"),
}
"""Stripe's reason and Visa's code for it."""

ELIGIBILITY = {
    ("visa", DisputeCourse.COMPELLING_EVIDENCE): "visa_compelling_evidence_3",
    ("visa", DisputeCourse.COMPLIANCE): "visa_compliance",
    ("mastercard", DisputeCourse.COMPLIANCE): "mastercard_compliance",
}
"""The programs of the networks under which a dispute can be answered: https://docs.stripe.com/disputes/api."""
