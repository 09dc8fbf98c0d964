"""What deciding and appending must do for each kind of stream, on every `EventLog`."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from domain.errors import DomainError
from domain.ids import MerchantId, RequestId, RunId, StripeIntentId
from domain.payment.commands import CancelPayment
from domain.payment.decide import decide
from domain.payment.observations import RecordIntentCreated
from domain.payment.values import PaymentStatus
from domain.reconciliation.discrepancy import Explain, Observe, decide_discrepancy
from domain.reconciliation.run import FailRun, RequestRun, StartRun, decide_run
from event_store.appends import Append, AppendResult, IdempotencyRecord, StoredResponse, VersionConflict
from event_store.decide import (
    Decided,
    IdempotentCommand,
    Retries,
    StillConflicting,
    StreamCommand,
    decide_and_append,
    decide_once,
)
from event_store.event_log import EventLog, StreamAndResponse
from event_store.payments import PAYMENT
from event_store.reconciliation import DISCREPANCY, RUN
from event_store.streams import Aggregate, LoadedStream
from schemas.envelope import RecordedEvent
from schemas.events.examples import DIFFERENCE
from tests.support.log_entries import MERCHANT, metadata
from tests.support.payment_histories import request_payment

ONCE = Retries(max_attempts=1)
A_RUN = RunId(uuid.uuid4())


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of stream, and commands for it: the first two always append, the last changes nothing after `next`."""

    aggregate: Aggregate[Any, Any]
    decide: Callable[[Any, Any], Sequence[Any]]
    open: Callable[[Any], Any]
    overtake: Any
    next: Any
    refused: Any
    """Before the stream is opened."""


CASES = {
    "payment": Case(
        aggregate=PAYMENT,
        decide=decide,
        open=request_payment,
        overtake=RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION),
        next=CancelPayment(request_id=RequestId(uuid.uuid4()), reason=None),
        refused=CancelPayment(request_id=RequestId(uuid.uuid4()), reason=None),
    ),
    "run": Case(
        aggregate=RUN,
        decide=decide_run,
        open=lambda _: RequestRun(date=date(2026, 5, 1), time_zone="UTC", origin="test", actor="test"),
        overtake=FailRun(number=1, reason="Stripe does not answer", final=False),
        next=StartRun(number=1, head=7),
        refused=StartRun(number=1, head=7),
    ),
    "discrepancy": Case(
        aggregate=DISCREPANCY,
        decide=decide_discrepancy,
        open=lambda _: Observe(run_id=A_RUN, number=1, difference=DIFFERENCE),
        overtake=Explain(actor="ana", reason="by hand"),
        next=Explain(actor="ana", reason="made in the dashboard"),
        refused=Explain(actor="ana", reason="by hand"),
    ),
}


@dataclass(kw_only=True)
class Interrupted:
    """A log in which `before` happens ahead of each append."""

    log: EventLog
    before: Callable[[], Awaitable[None]]
    is_conflict: bool = False

    async def append_many(self, appends: Sequence[Append]) -> Sequence[AppendResult]:
        await self.before()
        if self.is_conflict:
            return [VersionConflict(actual_version=9) for _ in appends]
        return await self.log.append_many(appends)

    async def load_many(self, stream_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[RecordedEvent]]:
        return await self.log.load_many(stream_ids)

    async def load_with_response(self, stream_id: uuid.UUID, merchant_id: MerchantId, key: str) -> StreamAndResponse:
        return await self.log.load_with_response(stream_id, merchant_id, key)

    async def load_as_of(self, position: int) -> Sequence[RecordedEvent]:
        return await self.log.load_as_of(position)

    async def find_response(self, merchant_id: MerchantId, key: str) -> StoredResponse | None:
        return await self.log.find_response(merchant_id, key)

    async def store_response(
        self, stream_id: uuid.UUID, merchant_id: MerchantId, version: int, record: IdempotencyRecord
    ) -> StoredResponse | None:
        return await self.log.store_response(stream_id, merchant_id, version, record)


@dataclass(kw_only=True)
class Stream:
    """Commands for one stream. `seen` are the versions that they were decided on."""

    case: Case
    stream_id: uuid.UUID = field(default_factory=uuid.uuid4)
    seen: list[int] = field(default_factory=list)

    def command(self, command: Any, loaded: LoadedStream[Any] | None = None) -> StreamCommand[Any, Any]:
        return StreamCommand(
            stream_id=self.stream_id, metadata=metadata(), decide=lambda at: self._decide(at, command), loaded=loaded
        )

    def keyed(self, command: Any, key: str) -> IdempotentCommand[Any, Any]:
        return IdempotentCommand(
            stream_id=self.stream_id,
            metadata=metadata(),
            decide=lambda at: self._decide(at, command),
            key=key,
            record=lambda _: IdempotencyRecord(key=key, fingerprint="f", status=200, response=b'{"n":1}'),
        )

    async def execute(self, log: EventLog, command: StreamCommand[Any, Any]) -> Decided[Any, Any]:
        return (await decide_and_append(log, self.case.aggregate, [command]))[self.stream_id]

    async def open(self, log: EventLog) -> Decided[Any, Any]:
        return await self.execute(log, self.command(self.case.open(self.stream_id)))

    async def load(self, log: EventLog) -> LoadedStream[Any]:
        return self.case.aggregate.load((await log.load_many([self.stream_id]))[self.stream_id])

    def _decide(self, at: LoadedStream[Any], command: Any) -> Sequence[Any]:
        self.seen.append(at.version)
        return self.case.decide(at.state, command)


class DecideContract(ABC):
    @abstractmethod
    def log(self) -> EventLog:
        """Return an empty one."""

    @pytest.fixture(params=CASES)
    def stream(self, request: pytest.FixtureRequest) -> Stream:
        return Stream(case=CASES[request.param])

    async def test_what_was_decided_is_in_the_log(self, stream: Stream) -> None:
        log = self.log()
        opened = await stream.open(log)
        assert (opened.before.state, opened.version) == (None, len(opened.events))
        changed = await stream.execute(log, stream.command(stream.case.next))
        assert changed.before.state == opened.state
        loaded = await stream.load(log)
        assert (loaded.state, loaded.version, loaded.position) == (changed.state, changed.version, changed.position)
        assert changed.position > opened.position > 0

    async def test_a_command_that_changes_nothing_appends_nothing(self, stream: Stream) -> None:
        log = self.log()
        await stream.open(log)
        changed = await stream.execute(log, stream.command(stream.case.next))
        again = await stream.execute(log, stream.command(stream.case.next))
        assert (again.events, again.state, again.version, again.position) == (
            (),
            changed.state,
            changed.version,
            changed.position,
        )

    async def test_a_command_that_is_refused_appends_nothing(self, stream: Stream) -> None:
        log = self.log()
        with pytest.raises(DomainError):
            await stream.execute(log, stream.command(stream.case.refused))
        assert (await stream.load(log)).version == 0

    async def test_a_command_that_lost_a_race_is_decided_on_the_newer_state(self, stream: Stream) -> None:
        log = self.log()
        opened = await stream.open(log)
        other = Stream(case=stream.case, stream_id=stream.stream_id)

        async def overtake() -> None:
            if not other.seen:
                await other.execute(log, other.command(stream.case.overtake))

        stream.seen.clear()
        changed = await stream.execute(Interrupted(log=log, before=overtake), stream.command(stream.case.next))
        assert stream.seen == [opened.version, opened.version + 1]
        assert (await stream.load(log)).version == changed.version == opened.version + 2

    async def test_a_stream_that_the_caller_knows_is_loaded_only_after_a_conflict(self, stream: Stream) -> None:
        log = self.log()
        await stream.open(log)
        known = await stream.load(log)
        await stream.execute(log, stream.command(stream.case.overtake))
        stream.seen.clear()
        await stream.execute(log, stream.command(stream.case.next, loaded=known))
        assert stream.seen == [known.version, known.version + 1]

    async def test_a_conflict_does_not_fail_its_neighbours(self, stream: Stream) -> None:
        log = self.log()
        neighbour = Stream(case=stream.case)
        await stream.open(log)
        known = await stream.load(log)
        await stream.execute(log, stream.command(stream.case.overtake))
        commands = [
            stream.command(stream.case.next, loaded=known),
            neighbour.command(stream.case.open(neighbour.stream_id)),
        ]
        decided = await decide_and_append(log, stream.case.aggregate, commands)
        assert decided.keys() == {stream.stream_id, neighbour.stream_id}
        assert all(each.events for each in decided.values())
        assert neighbour.seen == [0]

    async def test_a_command_that_always_loses_gives_up(self, stream: Stream) -> None:
        log = self.log()

        async def nothing() -> None:
            pass

        with pytest.raises(StillConflicting):
            await decide_once(
                Interrupted(log=log, before=nothing, is_conflict=True),
                stream.case.aggregate,
                stream.keyed(stream.case.open(stream.stream_id), "k-1"),
                Retries(max_attempts=3),
            )
        assert stream.seen == [0, 0, 0]
        assert await log.find_response(MERCHANT, "k-1") is None

    async def test_a_key_is_decided_once_whether_or_not_it_appended(self, stream: Stream) -> None:
        log = self.log()
        await stream.open(log)
        stream.seen.clear()
        for key in ("k-1", "k-2"):  # the second changes nothing
            command = stream.keyed(stream.case.next, key)
            decided = await decide_once(log, stream.case.aggregate, command, ONCE)
            assert isinstance(decided, Decided)
            again = await decide_once(log, stream.case.aggregate, command, ONCE)
            stored = StoredResponse(fingerprint="f", status=200, response=b'{"n":1}', position=decided.position)
            assert again == await log.find_response(MERCHANT, key) == stored
        assert len(stream.seen) == 2
