"""What the sandbox does by itself, or late, when it is switched on. Without it, tests stay deterministic."""

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Behaviour:
    """By settings, and by the control panel while it runs."""

    automatic_payouts: bool = False
    """Whether what is available is paid out at each midnight (UTC) of the sandbox's clock."""
    booking_lag_s: float = 0
    """How long after a payment (`automatic_async`) its balance transaction comes; at once is after the answer."""
    cards_want_return_url: bool = False
    """Whether a confirmation with `allowed_payment_method_types` needs a `return_url`. Nobody saw what Stripe does."""
    search_lag_s: float = 0
    """How old, by the sandbox's clock, a payment intent is at least before a search finds it."""
