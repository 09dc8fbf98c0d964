"""What the reconciliation tells Prometheus. Its alerts are in infra/deploy/prometheus/reconciliation.rules.yml."""

from prometheus_client import Counter, Gauge, Histogram

from domain.reconciliation.values import DifferenceKind

DISCREPANCIES = Counter(
    "reconciliation_discrepancies_total",
    "Discrepancies that were opened or came back, but those that settled",
    ["kind"],
)
for _kind in DifferenceKind:  # from the start: Prometheus sees no rise in a series that it sees for the first time
    DISCREPANCIES.labels(_kind.value)
UNRESOLVED = Gauge("reconciliation_unresolved_discrepancies", "Discrepancies that are open or explained", ["status"])
LAST_GOOD_RUN_AGE_SECONDS = Gauge(
    "reconciliation_last_good_run_age_seconds",
    "Since the newest reconciled day was completed; NaN while none ever was",
)
RUNS = Counter("reconciliation_runs_total", "Runs: completed, failed, passed as another process was at it", ["result"])
RUN_SECONDS = Histogram(
    "reconciliation_run_duration_seconds",
    "A run that was completed, with its reading at Stripe",
    buckets=(0.1, 1, 5, 15, 60, 300, 900, 3600, 14400),
)
ROWS = Counter("reconciliation_rows_total", "Rows that were compared")
ROWS_RECORDED = Counter(
    "reconciliation_rows_recorded_total", "Rows of Stripe's balance that no poll had brought, and that a run recorded"
)
REFRESHES = Counter("reconciliation_refreshes_total", "Payments that are to be read at Stripe once more")
