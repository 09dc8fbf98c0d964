"""What the worker of sagas tells Prometheus. Its alerts are in infra/deploy/prometheus/sagas.rules.yml."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge

from domain.saga.status import ENDED as ENDS

SAGAS = Gauge("sagas_open", "Sagas that have not ended, by kind and status", ["kind", "status"])
OLDEST_SECONDS = Gauge(
    "sagas_oldest_status_seconds", "For how long one of them has had its status, at most", ["kind", "status"]
)
ENDED = Counter("sagas_ended_total", "Sagas that ended: completed, compensated, given_up", ["kind", "status"])
COMPENSATIONS = Counter("sagas_compensations_total", "Sagas that began to take back what they had done", ["kind"])
STUCK = Counter(
    "sagas_stuck_total", "Sagas whose compensation did not come to an end, so that a person was called", ["kind"]
)
STEPS = Counter(
    "sagas_steps_total", "Steps: done, conflict (made again at once), failed (made again later)", ["result"]
)


def begin(kinds: Iterable[str]) -> None:
    """Show every series from the start: Prometheus sees no rise in one that it sees for the first time."""
    for result in ("done", "conflict", "failed"):
        STEPS.labels(result)
    for kind in kinds:
        COMPENSATIONS.labels(kind)
        STUCK.labels(kind)
        for status in ENDS:
            ENDED.labels(kind, status.value)
