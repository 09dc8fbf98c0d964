"""The events in the store: one row for all that one change tells, since every change tells several things.

An event keeps its object's state; how the API shows it is for `render.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import orjson

from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.ids import ALPHABET, Clock, Ids
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.records import Record, difference
from infra.stripe_sandbox.store import FOREVER, Store, Value
from infra.stripe_sandbox.webhooks.queue import WebhookQueue

PREFIX = "evt"
LETTERS = ALPHABET.decode()
MOST_PER_ROW = len(LETTERS)
"""An event's id is its row's, and a letter for its place in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened. `before` has the members of the state that were different, for events that show them."""

    position: int
    id: str
    account: str
    created: int
    request_id: str | None
    idempotency_key: str | None
    type: str
    kind: str
    state: JsonObject
    before: JsonObject | None


class PendingEvent(NamedTuple):
    """An event that is recorded when the transaction ends."""

    cause: Cause
    type: str
    record: Record
    before: Mapping[str, object] | None
    earlier: Mapping[str, object] | None


class EventLog:
    """Writes and finds events. Writing belongs inside the transaction of the change that they tell."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, webhooks: WebhookQueue) -> None:
        self._store, self._clock, self._ids, self._webhooks = store, clock, ids, webhooks
        self._pending: list[PendingEvent] = []

    def emit(self, cause: Cause, type_: str, record: Record, *, before: Record | None = None) -> None:
        """Tell what happened to an object; with the state before it, the event says what changed."""
        self._pending.append(
            PendingEvent(cause, type_, record, None if before is None else difference(before, record), None)
        )

    def emit_as_it_was(self, cause: Cause, type_: str, record: Record, *, earlier: Mapping[str, object]) -> None:
        """Tell of an object in a state that it has left again: `earlier` has the members that were different then."""
        self._pending.append(PendingEvent(cause, type_, record, None, earlier or None))

    def forget(self) -> None:
        """Drop the events of a change that is undone."""
        self._pending.clear()

    def write(self) -> None:
        """Write the events that were emitted, at the end of the transaction."""
        pending, self._pending = self._pending, []
        while pending:
            cause = pending[0].cause
            count = next(
                (n for n, each in enumerate(pending) if each.cause is not cause and each.cause != cause), len(pending)
            )
            count = min(count, MOST_PER_ROW)
            self._insert(cause, pending[:count])
            pending = pending[count:]

    def get(self, event_id: str, account: str | None = None) -> Event | None:
        """Return an event, of this account or of whichever, or None."""
        row = self._store.execute("get_events_row", id=event_id[:-1]).fetchone()
        if row is None or account not in {None, row[2]}:
            return None
        return next((event for event in _events(row) if event.id == event_id), None)

    def page(
        self,
        account: str,
        *,
        edge: int,
        ascending: bool,
        created: range,
        count: int,
        types: list[str] | None,
        delivered: bool | None,
    ) -> list[Event]:
        """Return events next to a position, newest first, or oldest first when `ascending`.

        `delivered`: those that all their endpoints have taken, or else those that one has not, or not yet.
        """
        parameters: dict[str, Value] = {
            "account": account,
            "edge": FOREVER if edge == FOREVER else edge // MOST_PER_ROW,
            "created_from": created.start,
            "created_to": created.stop - 1,
            # One more: the row at the edge can lie outside.
            "count": count + 1,
            "types": None if types is None else orjson.dumps(types).decode(),
        }
        order = "oldest_first" if ascending else "newest_first"
        if delivered is False:
            rows = self._store.execute(f"undelivered_{order}", **parameters)
        else:
            rows = self._store.execute(f"events_{order}", **parameters, delivered=bool(delivered), letters=LETTERS)
        found = (event for row in rows for event in (_events(row) if ascending else reversed(list(_events(row)))))
        selected = (
            event
            for event in found
            if (event.position > edge if ascending else event.position < edge)
            and (types is None or event.type in types)
            and (delivered is None or (self._webhooks.pending_of(event.id) == 0) is delivered)
        )
        return list(islice(selected, count))

    def everything(self) -> Iterator[Event]:
        """Yield the events of every account, oldest first."""
        return (event for row in self._store.execute("all_events") for event in _events(row))

    def counts(self) -> dict[str, int]:
        """Return how many events there are by type."""
        return dict(self._store.execute("count_events"))

    def _insert(self, cause: Cause, pending: list[PendingEvent]) -> None:
        stem = self._ids.new(PREFIX)
        self._store.execute(
            "insert_events",
            id=stem,
            account=cause.account,
            created=int(self._clock()),
            request_id=cause.request_id,
            idempotency_key=cause.idempotency_key,
            told=orjson.dumps(self._written(pending)).decode(),
        )
        for letter, each in zip(LETTERS, pending, strict=False):
            self._webhooks.add(cause.account, stem + letter, each.type)

    def _written(self, pending: list[PendingEvent]) -> list[dict[str, object]]:
        """Return what is kept of events; a state that several tell of is kept once, with the first of them."""
        written: list[dict[str, object]] = []
        first: dict[str, tuple[Record, int]] = {}
        for index, (_, type_, record, before, earlier) in enumerate(pending):
            one: dict[str, object] = {"type": type_, "kind": record.KIND}
            known = first.get(record.id)
            if known is not None and known[0] is record:
                one["as"] = known[1]
            else:
                first[record.id] = (record, index)
                one["state"] = orjson.Fragment(self._store.encoded(record))
            if before is not None:
                one["before"] = before
            if earlier is not None:
                one["earlier"] = earlier
            written.append(one)
        return written


def _events(row: tuple[int, str, str, int, str | None, str | None, str]) -> Iterator[Event]:
    seq, stem, account, created, request_id, idempotency_key, pending = row
    written = orjson.loads(pending)
    for index, each in enumerate(written):
        state = each["state"] if "state" in each else written[each["as"]]["state"]
        yield Event(
            position=seq * MOST_PER_ROW + index,
            id=stem + LETTERS[index],
            account=account,
            created=created,
            request_id=request_id,
            idempotency_key=idempotency_key,
            type=each["type"],
            kind=each["kind"],
            state={**state, **each.get("earlier", {})},
            before=each.get("before"),
        )
