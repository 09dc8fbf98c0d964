"""The projections there are."""

from projections.payment_timeline.projection import PaymentTimeline
from projections.payments.projection import Payments
from projections.projection import Projection

PROJECTIONS: tuple[Projection, ...] = (Payments(), PaymentTimeline())
