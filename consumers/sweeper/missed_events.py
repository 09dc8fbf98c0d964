"""Reads the list of Stripe's events, and records those that no webhook brought.

An endpoint that was not set up, an outage longer than the three days for which Stripe sends a webhook again: the event
is in the list for 30 days (https://docs.stripe.com/api/events/list). It is recorded as a webhook is, in a stream of its
own, so that it is there once whichever comes first; and it is interpreted as a webhook is.

Each time, the events are read that an endpoint has not taken: few. All of them are read at the start and then seldom:
those that no endpoint was to get, and those that were taken and are not in the log, as when it was restored. To end at
a page without anything new would be wrong for both lists: what is known there, webhooks brought, and they bring in no
order.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import structlog

from consumers.stripe.client import JsonObject
from consumers.stripe.lists.lists import Lists, StripeList
from consumers.stripe.lists.poll import Reach, poll
from consumers.stripe.lists.streams import known_streams
from consumers.stripe.lists.whole_listings import WholeListings
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.events import LISTED_TYPES
from consumers.stripe.translate.ids import listed_id_of
from consumers.sweeper import metrics
from event_store.appends import NO_STREAM, Append, Appended
from event_store.store import append
from infra.card_numbers import mask_card_numbers
from infra.postgres.pool import Connection, Pool
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import StripeEventReceived, stream_id_of
from schemas.stripe_webhooks.read import NotAnEvent, read_listed_event

log = structlog.get_logger(__name__)

ACTOR = "sweeper"
EVENT_TYPES = LISTED_TYPES
_PAGE = 100

GoOn = Callable[[], bool]


class MissedEvents:
    """How far each list is read is kept in the database: any process goes on where another one stopped.

    All events are read every `whole_interval_s`, and for `whole_part_s` at a time: many would hold up what else the
    sweeper does.
    """

    def __init__(
        self,
        pool: Pool,
        lists: Lists,
        *,
        overlap_s: int,
        whole_interval_s: float,
        whole_part_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._lists = lists
        self._reach = Reach(overlap_s=overlap_s, page_size=_PAGE)
        self._whole_listings = WholeListings(whole_interval_s, clock=clock)
        self._whole_part_s = whole_part_s
        self._clock = clock

    async def catch_up(self, *, go_on: GoOn) -> bool:
        """Read what is due; return whether all of it to its end. Raises what Stripe and the database raise."""
        if not await self._read(StripeList.UNDELIVERED_EVENTS, go_on):
            return False
        return not self._whole_listings.begin() or await self._read_all(go_on)

    async def _read_all(self, go_on: GoOn) -> bool:
        until = self._clock() + self._whole_part_s
        ended = await self._read(StripeList.EVENTS, lambda: go_on() and self._clock() < until)
        if ended:
            self._whole_listings.ended()
        return ended

    async def _read(self, list_: StripeList, go_on: GoOn) -> bool:
        return await poll(self._pool, self._lists, list_, self._reach, record=record, go_on=go_on)


async def record(conn: Connection, rows: Sequence[JsonObject], *, correlation_id: str) -> int:
    """Append the events that are not in the log; return how many. Raises UnexpectedObject."""
    by_stream = {stream_id_of(event.stripe_event_id): event for event in map(_read, rows)}
    known = await known_streams(conn, list(by_stream))
    # The oldest first, as they happened.
    missed = [(stream_id, event) for stream_id, event in reversed(by_stream.items()) if stream_id not in known]
    results = await append(conn, [_append(stream_id, event, correlation_id) for stream_id, event in missed])
    appended = 0
    for (_, event), result in zip(missed, results, strict=True):
        if isinstance(result, Appended):  # else its webhook came in this moment
            appended += 1
            metrics.MISSED_EVENTS.labels(event.type).inc()
            log.info("stripe_event_listed", stripe_event_id=event.stripe_event_id, type=event.type)
    return appended


def _read(row: JsonObject) -> StripeEventReceived:
    if not isinstance(row, Mapping):
        raise UnexpectedObject("an event that is no object")
    try:
        return read_listed_event(row, mask=mask_card_numbers)
    except NotAnEvent as error:
        raise UnexpectedObject(f"event {listed_id_of(row)} {error}") from error


def _append(stream_id: UUID, event: StripeEventReceived, correlation_id: str) -> Append:
    metadata = EventMetadata(correlation_id=correlation_id, actor=ACTOR, merchant_id=NO_MERCHANT)
    return Append.of(STRIPE_EVENT_CODEC, [event], stream_id=stream_id, expected_version=NO_STREAM, metadata=metadata)
