"""When a webhook that was not taken is sent again.

Stripe says that it tries for up to three days with exponential back-off (https://docs.stripe.com/webhooks#retries), and
does not say when exactly. Here: after five minutes, and twice as long each time.
"""

FIRST_S = 5 * 60
LAST_S = 3 * 24 * 3600


def delays() -> tuple[float, ...]:
    """Return how many seconds after each failed attempt the next one comes, up to three days in all."""
    found: list[float] = []
    while sum(found) + FIRST_S * 2 ** len(found) <= LAST_S:
        found.append(float(FIRST_S * 2 ** len(found)))
    return tuple(found)


DELAYS_S = delays()
