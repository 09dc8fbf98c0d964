"""The events of reconciliation: of the runs of a day, and of each discrepancy."""

from typing import Any

from domain.reconciliation import events as domain
from domain.reconciliation.events import DiscrepancyEvent, ReconciliationEvent, RunEvent
from schemas.events.codec import Codec
from schemas.events.event_type import ACTOR_AND_REASON, EventType, renamed

CATEGORY = "reconciliation"

RUN_EVENT_TYPES: tuple[EventType[RunEvent], ...] = (
    EventType(
        name="reconciliation.requested", model=domain.ReconciliationRequested, upcasters={1: renamed(who="actor")}
    ),
    EventType(name="reconciliation.started", model=domain.ReconciliationStarted),
    EventType(
        name="reconciliation.completed",
        model=domain.ReconciliationCompleted,
        upcasters={1: renamed(healing="backfilled")},
    ),
    EventType(name="reconciliation.failed", model=domain.ReconciliationFailed),
)
DISCREPANCY_EVENT_TYPES: tuple[EventType[DiscrepancyEvent], ...] = (
    EventType(name="discrepancy.opened", model=domain.DiscrepancyOpened, within=CATEGORY),
    EventType(name="discrepancy.assigned", model=domain.DiscrepancyAssigned, within=CATEGORY),
    EventType(
        name="discrepancy.explained",
        model=domain.DiscrepancyExplained,
        within=CATEGORY,
        upcasters={1: ACTOR_AND_REASON},
    ),
    EventType(
        name="discrepancy.resolved",
        model=domain.DiscrepancyResolved,
        within=CATEGORY,
        upcasters={1: ACTOR_AND_REASON},
    ),
    EventType(name="discrepancy.reopened", model=domain.DiscrepancyReopened, within=CATEGORY),
)
RECONCILIATION_EVENT_TYPES: tuple[EventType[Any], ...] = (*RUN_EVENT_TYPES, *DISCREPANCY_EVENT_TYPES)

RUN_CODEC = Codec(RUN_EVENT_TYPES)
DISCREPANCY_CODEC = Codec(DISCREPANCY_EVENT_TYPES)
RECONCILIATION_CODEC: Codec[ReconciliationEvent] = Codec(RECONCILIATION_EVENT_TYPES)
