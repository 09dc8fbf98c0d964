"""The events of Stripe's balance on the wire: balance transactions, and the statuses of payouts."""

from domain.stripe_balance import PayoutChanged, StripeBalanceEvent, TransactionRecorded
from schemas.events.codec import Codec
from schemas.events.event_type import EventType
from schemas.personal.stripe_fields import BalanceFields

CATEGORY = "stripe-balance"

BALANCE_EVENT_TYPES: tuple[EventType[StripeBalanceEvent], ...] = (
    EventType(name="stripe_balance.transaction_recorded", model=TransactionRecorded, personal=BalanceFields()),
    EventType(name="stripe_balance.payout_changed", model=PayoutChanged),
)

BALANCE_CODEC = Codec(BALANCE_EVENT_TYPES)
