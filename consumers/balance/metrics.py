"""Metrics of the balance poller."""

import time

from prometheus_client import Counter, Gauge, Histogram

POLLS = Counter(
    "balance_polls_total",
    "Polls: with the lock; without, as the lock servers are away; cut short, as another poller is at it; failed",
    ["list", "result"],
)
POLL_SECONDS = Histogram(
    "balance_poll_duration_seconds", "One poll of a list", ["list"], buckets=(0.05, 0.1, 0.5, 1, 5, 10, 60, 600)
)
EVENTS_APPENDED = Counter("balance_events_appended_total", "Events that were new, and are in the log now", ["type"])
LAG_SECONDS = Gauge(
    "balance_poll_age_seconds", "Since the last complete reading of a list began, whoever read", ["list"]
)
WATCHED_PAYOUTS = Gauge("balance_watched_payouts", "Payouts whose status may still change")


def completed(list_: str, at: float) -> None:
    """Show the age of a list from now on; `at` is in Unix seconds."""
    LAG_SECONDS.labels(list_).set_function(lambda: max(0.0, time.time() - at))
