"""Why a call of Stripe was not made. Nothing was sent: it can be made later, with the same key, as if never tried."""

from infra.errors import Unavailable


class NotSent(Unavailable):
    """The guard throttled the call; it may be worth another try after `wait_s`."""

    code = "stripe_throttled"
    title = "Calls of the payment processor are throttled"

    def __init__(self, reason: str, *, wait_s: float) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class CircuitOpen(NotSent):
    """Stripe is down, or was lately and is being probed by others."""

    def __init__(self, name: str, *, wait_s: float) -> None:
        super().__init__(f"The circuit breaker {name} is open.", wait_s=wait_s)


class TooManyCalls(NotSent):
    """So many calls wait that this one could not be made in time."""

    def __init__(self, *, wait_s: float) -> None:
        super().__init__(f"No capacity to call Stripe within {wait_s:g} s.", wait_s=wait_s)
