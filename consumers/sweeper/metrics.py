"""What the sweeper tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from consumers.stripe.translate.events import LISTED_TYPES
from consumers.tasks.models import TaskOperation

SWEEPS = Counter(
    "sweeper_sweeps_total",
    "Sweeps: with the lock; without, as the lock servers are away; passed, as another was under way; failed",
    ["result"],
)
SWEEP_SECONDS = Histogram(
    "sweeper_sweep_duration_seconds", "One sweep", buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
)
REFRESHES = Counter("sweeper_refreshes_total", "Payments that are to be read at Stripe, and why", ["reason"])
ABANDONED = Counter("sweeper_abandoned_payments_total", "Payments given up as their customers had left")
WAITING = Gauge("sweeper_waiting_payments", "Payments that wait for something at Stripe", ["waits_for"])
LONGEST_WAIT_SECONDS = Gauge("sweeper_longest_wait_seconds", "How long the first of them has waited", ["waits_for"])
MISSED_EVENTS = Counter(
    "sweeper_missed_stripe_events_total", "Events of Stripe's list that no webhook had brought yet", ["type"]
)
MISSING_TASKS = Counter(
    "sweeper_missing_tasks_total", "Accepted requests that nobody was about to carry out: made again", ["operation"]
)
EVENT_LISTINGS = Counter(
    "sweeper_event_listings_total", "Readings of Stripe's events: whole, cut short or failed", ["result"]
)
RETENTION_REMOVED = Counter(
    "retention_removed_total",
    "What was kept long enough: answers, tasks, keys of what Stripe told, and rows of timelines",
    ["what"],
)
RETENTION_ENDED = Gauge("retention_last_run_timestamp_seconds", "When everything that was due was removed last")
# From the start: Prometheus sees no rise in a series that it sees for the first time.
for _type in LISTED_TYPES:
    MISSED_EVENTS.labels(_type)
for _operation in TaskOperation:
    if _operation is not TaskOperation.REFRESH_PAYMENT:  # which no request asks for
        MISSING_TASKS.labels(_operation.value)
for _counter in (SWEEPS, EVENT_LISTINGS):
    _counter.labels("failed")
