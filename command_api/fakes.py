"""Stand-ins in memory for what the command API works with; the same contract tests run against them and the real ones.

For unit tests only: nothing is durable, and everything is in one process.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from pydantic import SecretStr

from command_api.answer_cache import Claim, InFlight
from command_api.payment_log import Found
from domain.payment.evolve import fold
from domain.payment.state import PaymentState
from event_store.appends import AlreadySeen, Append, Appended, AppendResult, IdempotencyRecord, VersionConflict
from event_store.payments import LoadedPayment
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC


class MemoryEventStore:
    """An `Appender` and a `PaymentLog`."""

    def __init__(self) -> None:
        self.streams: dict[UUID, list[RecordedEvent]] = {}
        self._answers: dict[tuple[str, str], AlreadySeen] = {}
        self._position = 0

    async def append(self, item: Append) -> AppendResult:
        """Append, as the log's SQL function does: a known key comes before a conflict."""
        record = item.idempotency
        if record is not None and (seen := self._answers.get((item.merchant_id, record.key))) is not None:
            return seen
        stream = self.streams.get(item.stream_id, [])
        if len(stream) != item.expected_version:
            return VersionConflict(actual_version=len(stream))
        for event in item.events:
            self._position += 1
            stream.append(
                RecordedEvent(
                    position=self._position,
                    event_id=event.event_id,
                    stream_id=item.stream_id,
                    version=len(stream) + 1,
                    category=item.category,
                    type=event.type,
                    schema_version=event.schema_version,
                    data=event.data,
                    metadata=event.metadata,
                    recorded_at=datetime.now(UTC),
                )
            )
        self.streams[item.stream_id] = stream
        if record is not None:
            self._answers[item.merchant_id, record.key] = record.stored_at(self._position)
        return Appended(version=len(stream), position=self._position)

    async def find_answer(self, merchant_id: str, key: str) -> AlreadySeen | None:
        """Return the answer that is stored under the key."""
        return self._answers.get((merchant_id, key))

    async def look_up(self, payment_id: UUID, merchant_id: str, key: str) -> Found:
        """Return the payment and the answer under the key."""
        return Found(payment=self.payment(payment_id), answer=await self.find_answer(merchant_id, key))

    async def load(self, payment_id: UUID) -> LoadedPayment:
        """Return the payment."""
        return self.payment(payment_id)

    async def load_as_of(self, position: int) -> LoadedPayment:
        """Return the payment that has its event at a position, as it was then."""
        for events in self.streams.values():
            if any(event.position == position for event in events):
                return _loaded([event for event in events if event.position <= position])
        raise AssertionError(f"no event is at position {position}")

    async def remember(
        self, payment_id: UUID, merchant_id: str, version: int, record: IdempotencyRecord
    ) -> AlreadySeen | None:
        """Store the answer of a command that appended nothing; return the stored one if the key is known."""
        if (seen := self._answers.get((merchant_id, record.key))) is not None:
            return seen
        self._answers[merchant_id, record.key] = record.stored_at(self.streams[payment_id][version - 1].position)
        return None

    def lose_answers(self) -> None:
        """Keep of each record what Kafka knows: not its answer."""
        self._answers = {key: replace(each, response=None) for key, each in self._answers.items()}

    def payment(self, payment_id: UUID) -> LoadedPayment:
        """Return a payment as its events tell it."""
        return _loaded(self.streams.get(payment_id, ()))


def _loaded(events: Sequence[RecordedEvent]) -> LoadedPayment:
    return LoadedPayment(
        state=fold(PAYMENT_CODEC.decode(event) for event in events), version=len(events), events=tuple(events)
    )


class MemoryAnswerCache:
    """An `AnswerCache` whose markers and answers never expire."""

    def __init__(self) -> None:
        self._kept: dict[str, AlreadySeen | Claim] = {}
        self._claims = 0

    async def claim(self, merchant_id: str, key: str) -> Claim | InFlight | AlreadySeen:
        """Take the key, unless it is taken or its answer is known."""
        name = f"{len(merchant_id)}:{merchant_id}:{key}"
        kept = self._kept.get(name)
        if isinstance(kept, AlreadySeen):
            return kept
        if kept is not None:
            return InFlight()
        self._claims += 1
        claim = self._kept[name] = Claim(name=name, token=str(self._claims).encode())
        return claim

    async def keep(self, claim: Claim, answer: AlreadySeen) -> None:
        """Remember the answer."""
        self._kept[claim.name] = answer

    async def release(self, claim: Claim) -> None:
        """Give the key back, if it is still this claim's."""
        if self._kept.get(claim.name) == claim:
            del self._kept[claim.name]


class FixedOutcomes:
    """`Outcomes` in which payments have come as far as `payment` says, or Stripe never answers."""

    def __init__(self, payment: LoadedPayment | None = None) -> None:
        self.payment = payment
        self.timeouts_s: list[float] = []

    async def wait(
        self,
        payment_id: UUID,  # noqa: ARG002 - there is one payment
        *,
        after_version: int,
        settled: Callable[[PaymentState], bool],  # noqa: ARG002 - waiting would not change it
        timeout_s: float,
    ) -> LoadedPayment | None:
        """Return at once, with what there is that is newer."""
        self.timeouts_s.append(timeout_s)
        return self.payment if self.payment is not None and self.payment.version > after_version else None


class FixedClientSecrets:
    """`ClientSecrets` as Stripe spells them, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    async def read(self, intent_id: str) -> SecretStr:
        """Return a secret that names its intent."""
        self.asked.append(intent_id)
        if self.error is not None:
            raise self.error
        return SecretStr(f"{intent_id}_secret_abc123")
