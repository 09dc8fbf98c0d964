"""Histories of concurrent appends and loads, and whether they could have happened one after another.

The log promises strict serializability: each operation takes effect at one instant between its call and its answer.
What a history must show for it is checked on the objects that the log has, streams whose versions and positions say the
order: Kingsbury and Alvaro, "Elle" (VLDB 2020, https://arxiv.org/abs/2003.10554), infers the same from lists that grow.
"""

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import psycopg

from domain.ids import EventId
from event_store.appends import Appended, VersionConflict
from event_store.group_commit import GroupCommit
from event_store.store import load
from infra.postgres.pool import Pool
from schemas.envelope import RecordedEvent
from tests.support.log_entries import an_append

Ids = tuple[EventId, ...]


@dataclass(frozen=True, kw_only=True)
class Appending:
    """An append: `result` None means that nobody knows (the connection broke)."""

    called: float
    answered: float
    stream: uuid.UUID
    expected: int
    events: Ids
    result: Appended | VersionConflict | None


@dataclass(frozen=True, kw_only=True)
class Loading:
    """A load, and the ids that it returned, in order."""

    called: float
    answered: float
    stream: uuid.UUID
    found: Ids


@dataclass
class Clients:
    """So many clients at once, each appending to and loading one of a few streams, as `seed` has it."""

    pool: Pool
    seed: int
    streams: Sequence[uuid.UUID] = field(default_factory=lambda: [uuid.uuid4() for _ in range(4)])
    appends: list[Appending] = field(default_factory=list)
    loads: list[Loading] = field(default_factory=list)

    async def run(self, clients: int, operations: int) -> None:
        """Do them all; what fails because the server is away is tried no more, and the next one is."""
        appender = GroupCommit(self.pool, max_batch=8)
        await asyncio.gather(*(self._client(appender, number, operations) for number in range(clients)))

    async def _client(self, appender: GroupCommit, number: int, operations: int) -> None:
        chance = random.Random(self.seed * 1000 + number)
        known = dict.fromkeys(self.streams, 0)
        for _ in range(operations):
            stream = chance.choice(self.streams)
            try:
                if chance.random() < 0.5:
                    known[stream] = await self._load(stream)
                else:
                    known[stream] = await self._append(appender, stream, known[stream], chance.randint(1, 3))
            except psycopg.OperationalError:
                await asyncio.sleep(0.01)

    async def _load(self, stream: uuid.UUID) -> int:
        called = monotonic()
        async with self.pool.connection() as connection:
            events = await load(connection, stream)
        ids = tuple(event.event_id for event in events)
        self.loads.append(Loading(called=called, answered=monotonic(), stream=stream, found=ids))
        return len(ids)

    async def _append(self, appender: GroupCommit, stream: uuid.UUID, expected: int, count: int) -> int:
        item = an_append(stream, expected, events=count)
        result, called = None, monotonic()
        try:
            answer = await appender.append(item)
            assert isinstance(answer, Appended | VersionConflict)
            result = answer
        finally:
            self.appends.append(
                Appending(
                    called=called,
                    answered=monotonic(),
                    stream=stream,
                    expected=expected,
                    events=tuple(event.event_id for event in item.events),
                    result=result,
                )
            )
        return result.version if isinstance(result, Appended) else result.actual_version


def anomalies(clients: Clients, log: Sequence[RecordedEvent]) -> list[str]:
    """Return what could not have happened one operation after another; `log` is all that there is in the end."""
    final: dict[uuid.UUID, list[RecordedEvent]] = {stream: [] for stream in clients.streams}
    for event in sorted(log, key=lambda each: each.position):
        final[event.stream_id].append(event)
    found = [f"versions of {stream} are {versions}" for stream, versions in _broken_versions(final)]
    order = {stream: tuple(event.event_id for event in events) for stream, events in final.items()}
    for append in clients.appends:
        found += _of_append(append, order[append.stream])
    for each in clients.loads:
        if order[each.stream][: len(each.found)] != each.found:
            found.append(f"a load of {each.stream} saw what is no beginning of it")
    for stream in clients.streams:
        found += _against_time(
            [each for each in clients.appends if each.stream == stream],
            [each for each in clients.loads if each.stream == stream],
        )
    return found + _positions_against_time(clients.appends, log)


def _broken_versions(final: dict[uuid.UUID, list[RecordedEvent]]) -> list[tuple[uuid.UUID, list[int]]]:
    versions = {stream: [event.version for event in events] for stream, events in final.items()}
    return [(stream, each) for stream, each in versions.items() if each != list(range(1, len(each) + 1))]


def _of_append(append: Appending, order: Ids) -> list[str]:
    there = [event_id for event_id in append.events if event_id in order]
    whole = order[append.expected : append.expected + len(append.events)] == append.events
    match append.result:
        case Appended() if not whole:
            return [f"an append to {append.stream} was answered, and is not there"]
        case VersionConflict() if there:
            return [f"an append to {append.stream} conflicted, and is there"]
        case None if there and not whole:
            return [f"a part of an append to {append.stream} is there"]
    return []


def _against_time(appends: Sequence[Appending], loads: Sequence[Loading]) -> list[str]:
    """What was answered before a call is seen by it, and what was called after an answer is not."""
    found = []
    for seen in loads:
        before = [_version(each) for each in appends if each.answered < seen.called]
        before += [len(each.found) for each in loads if each.answered < seen.called]
        if len(seen.found) < max(before, default=0):
            found.append(f"a load of {seen.stream} saw {len(seen.found)} events after {max(before)} were known")
        later = {event_id for each in appends if each.called > seen.answered for event_id in each.events}
        if later & set(seen.found):
            found.append(f"a load of {seen.stream} saw what was appended later")
    for each in appends:
        if isinstance(each.result, VersionConflict):
            known = [_version(other) for other in appends if other.answered < each.called]
            if each.result.actual_version < max(known, default=0):
                found.append(f"a conflict on {each.stream} told an old version")
            if each.result.actual_version == each.expected:
                found.append(f"a conflict on {each.stream} told the version that was expected")
    return found


def _positions_against_time(appends: Sequence[Appending], log: Sequence[RecordedEvent]) -> list[str]:
    """Over all streams: what was answered before another was called has lower positions."""
    at = {event.event_id: event.position for event in log}
    done = [each for each in appends if isinstance(each.result, Appended)]
    ended = sorted(done, key=lambda each: each.answered)
    found, highest, index = [], 0, 0
    for each in sorted(done, key=lambda each: each.called):
        while index < len(ended) and ended[index].answered < each.called:
            highest = max(highest, *(at.get(event_id, 0) for event_id in ended[index].events))
            index += 1
        if min(at.get(event_id, highest + 1) for event_id in each.events) <= highest:
            found.append("an append got a position below one that was answered before")
    return found


def _version(append: Appending) -> int:
    return append.result.version if isinstance(append.result, Appended) else 0
