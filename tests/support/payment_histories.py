"""Payments as streams of events: random valid ones, typical ones, and their envelopes in the log."""

import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.errors import DomainError
from domain.ids import (
    AttemptId,
    DisputeId,
    EventId,
    MerchantId,
    PaymentId,
    RefundId,
    RequestId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
)
from domain.money import Money
from domain.payment.commands import (
    AcceptStripe,
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    GiveUpTask,
    PaymentCommand,
    RequestPayment,
    RequestRefund,
    RetryTask,
)
from domain.payment.decide import decide
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.payment.observations import (
    PaymentObservation,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordDispute,
    RecordIntentCreated,
    RecordOutcomeUnknown,
    RecordPaymentFailed,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
    RecordUndone,
)
from domain.payment.observe import observe
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod, DisputeStatus, PaymentStatus, RefundReason
from infra.ids import uuid7
from schemas.cloudevents import Delivered
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import PAYMENT_CODEC
from schemas.topics import partition_of

MERCHANT = MerchantId("merchant_test")


START = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def request_payment(payment_id: PaymentId | None = None, **fields: object) -> RequestPayment:
    """Return the command that opens a payment of 10.00 USD, but for the given fields."""
    number = payment_id or uuid7()
    defaults = {
        "payment_id": number,
        "merchant_id": "merchant_test",
        "user_id": "user_1",
        "amount": Money(amount_cents=1000, currency="USD"),
        "payment_method": "pm_card_visa",
        "confirm": True,
        "capture_method": CaptureMethod.AUTOMATIC,
        "description": None,
        "metadata": {"order": "A-1"},
        "idempotency_key": f"key-{number}",
    }
    return RequestPayment(**defaults | fields)  # type: ignore[arg-type]


def paid(request: RequestPayment) -> list[PaymentCommand]:
    """Return the request and what makes it succeed."""
    intent_id = f"pi_{request.payment_id.hex}"
    return [
        request,
        RecordIntentCreated(intent_id=StripeIntentId(intent_id), status=PaymentStatus.REQUIRES_CONFIRMATION),
        RecordSucceeded(
            intent_id=StripeIntentId(intent_id),
            amount_captured=request.amount,
            charge_id=StripeChargeId(f"ch_{request.payment_id.hex}"),
        ),
    ]


def refunded(refund_id: RefundId, amount: Money) -> list[PaymentCommand]:
    """Return a refund and its success, for a payment that succeeded."""
    return [
        RequestRefund(refund_id=RefundId(refund_id), amount=amount, reason=RefundReason.DUPLICATE),
        RecordRefundSucceeded(refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId(f"re_{refund_id.hex}")),
    ]


def events_of(commands: Iterable[PaymentCommand]) -> list[PaymentEvent]:
    """Return what the commands decide to, one after the other; commands that are refused change nothing.

    What Stripe says is taken in as an observation is: a contradiction is an event too.
    """
    events: list[PaymentEvent] = []
    state: PaymentState | None = None
    for command in commands:
        try:
            is_observation = isinstance(command, PaymentObservation) and state is not None
            decided = observe(state, (command,)).events if is_observation else decide(state, command)  # type: ignore[arg-type]
        except DomainError:
            continue
        state = fold(decided, state)
        events += decided
    return events


def random_history(
    rng: random.Random, *, payment_id: PaymentId, steps: int, currencies: Sequence[str] = ("USD", "EUR")
) -> list[PaymentEvent]:
    """Return a valid history of one payment, from commands and observations in any order."""
    request = request_payment(
        payment_id,
        user_id=f"user_{rng.randint(1, 5)}",
        amount=Money(amount_cents=rng.randint(10, 500) * 10, currency=rng.choice(currencies)),
        capture_method=rng.choice(list(CaptureMethod)),
        confirm=rng.random() < 0.8,
        customer=rng.choice((None, "cus_NffrFeUfNV2Hib")),
        statement_descriptor_suffix=rng.choice((None, "BOOKS 2 + 3")),
        description=rng.choice((None, "A 'quoted' \\ description, \u00fc\u2713")),
    )
    ids = _Ids(rng, request.payment_id)
    commands: list[PaymentCommand] = [request]
    commands += (rng.choice(_MOVES)(rng, ids, request.amount) for _ in range(steps))
    if rng.random() < 0.3:  # rarely and late: little can follow
        commands.insert(rng.randint(1, len(commands)), rng.choice(_ENDINGS)(ids.intent))
    return events_of(commands)


@dataclass
class _Ids:
    rng: random.Random
    payment_id: PaymentId
    refunds: list[RefundId] = field(default_factory=list)
    requests: list[RequestId] = field(default_factory=list)

    @property
    def intent(self) -> str:
        return f"pi_{self.payment_id.hex}"

    @property
    def charge(self) -> str:
        return f"ch_{self.payment_id.hex}"

    def new_request(self) -> RequestId:
        self.requests.append(RequestId(self._new()))
        return self.requests[-1]

    def some_request(self) -> RequestId:
        return self.rng.choice(self.requests) if self.requests else self.new_request()

    def new_refund(self) -> RefundId:
        self.refunds.append(RefundId(self._new()))
        return self.refunds[-1]

    def some_refund(self) -> RefundId:
        return self.rng.choice(self.refunds) if self.refunds else self.new_refund()

    def _new(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128))


def _part(rng: random.Random, amount: Money) -> Money:
    return Money(amount_cents=rng.randint(1, amount.amount_cents), currency=amount.currency)


def _disputed(rng: random.Random, ids: _Ids, amount: Money, number: int) -> PaymentCommand:
    """Return what Stripe says of the first dispute, of the whole amount, or the second one, of a part of it."""
    part = Money(amount_cents=amount.amount_cents // 40 * 10, currency=amount.currency)
    return disputed(
        f"du_{ids.payment_id.hex}_{number}",
        ids.charge,
        amount if number == 1 else part,
        status=rng.choice(list(DisputeStatus)),
        evidence_due_by=rng.choice((None, 1_800_000_000, 1_900_000_000)),
        withdrawn=rng.choice((0, 0, 0, 1, 2, 3)),
        reinstated=rng.choice((0, 0, 0, 0, 1, 2)),
    )


def _attempt_failed(rng: random.Random, ids: _Ids, _: Money) -> PaymentCommand:
    code = rng.choice(("insufficient_funds", None))
    attempt = f"ch_{rng.randint(1, 3)}"
    return RecordAttemptFailed(
        intent_id=StripeIntentId(ids.intent),
        attempt_id=AttemptId(attempt),
        code="card_declined",
        decline_code=code,
        message="No.",
    )


_MOVES: tuple[Callable[[random.Random, _Ids, Money], PaymentCommand], ...] = (
    lambda _, ids, __: RecordIntentCreated(
        intent_id=StripeIntentId(ids.intent), status=PaymentStatus.REQUIRES_PAYMENT_METHOD
    ),
    lambda _, __, ___: ConfirmPayment(payment_method="pm_card_visa"),
    lambda _, ids, __: RecordActionRequired(
        intent_id=StripeIntentId(ids.intent), action_type="redirect_to_url", redirect_url="https://bank.example/3ds"
    ),
    lambda _, ids, __: RecordProcessing(intent_id=StripeIntentId(ids.intent)),
    lambda _, ids, amount: RecordAuthorized(
        intent_id=StripeIntentId(ids.intent),
        amount=amount,
        charge_id=StripeChargeId(ids.charge),
        capture_before=1_800_000_000,
    ),
    lambda rng, ids, amount: RecordSucceeded(
        intent_id=StripeIntentId(ids.intent),
        amount_captured=amount if rng.random() < 0.7 else _part(rng, amount),
        charge_id=StripeChargeId(ids.charge),
    ),
    _attempt_failed,
    lambda _, ids, __: CapturePayment(request_id=ids.new_request()),
    lambda _, ids, __: RecordCaptureFailed(request_id=ids.some_request(), code="amount_too_large", message="No."),
    lambda rng, ids, __: CancelPayment(request_id=ids.new_request(), reason=rng.choice((None, "abandoned"))),
    lambda _, ids, __: RecordCancelFailed(
        request_id=ids.some_request(), code="payment_intent_unexpected_state", message="No."
    ),
    lambda rng, ids, amount: RequestRefund(
        refund_id=ids.new_refund(),
        amount=rng.choice((None, _part(rng, amount))),
        reason=rng.choice((None, *RefundReason)),
    ),
    lambda rng, ids, amount: RequestRefund(refund_id=ids.new_refund(), amount=_part(rng, amount)),
    lambda _, ids, __: _refund_pending(ids.some_refund()),
    lambda _, ids, __: _refund_succeeded(ids.some_refund()),
    lambda _, ids, __: _refund_succeeded(ids.some_refund()),
    lambda rng, ids, _: _refund_failed(rng, ids.some_refund()),
    lambda rng, ids, amount: _refund_found(ids.new_refund(), _part(rng, amount)),
    lambda rng, ids, amount: _disputed(rng, ids, amount, rng.randint(1, 2)),
    lambda _, ids, __: RecordOutcomeUnknown(
        event_id=EventId(ids.some_request()), operation="capture_intent", reason="500 api_error"
    ),
    lambda *_: AcceptStripe(actor="ada", reason="seen in the Dashboard"),
    lambda rng, ids, amount: RecordUndone(
        event_id=EventId(ids.some_request()),
        intent_id=StripeIntentId(f"pi_late_{rng.randint(1, 2)}"),
        how=rng.choice(("canceled", "refunded")),
        amount=amount,
    ),
    lambda rng, ids, _: rng.choice((RetryTask, GiveUpTask))(
        event_id=EventId(ids.some_request()), operation="capture_intent", actor="ada", reason="Stripe is back"
    ),
)
_ENDINGS: tuple[Callable[[str], PaymentCommand], ...] = (
    lambda intent_id: RecordCanceled(intent_id=StripeIntentId(intent_id), reason="abandoned"),
    lambda _: RecordPaymentFailed(code="amount_too_small", decline_code=None, message="No."),
)


def disputed(
    dispute_id: str,
    charge_id: str,
    amount: Money,
    *,
    status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE,
    withdrawn: int = 0,
    reinstated: int = 0,
    **fields: object,
) -> RecordDispute:
    """Return what Stripe says of a dispute for fraud; so often it took the whole amount, and gave it back."""
    defaults: dict[str, object] = {"reason": "fraudulent"}
    return RecordDispute(
        dispute_id=DisputeId(dispute_id),
        charge_id=StripeChargeId(charge_id),
        amount=amount,
        status=status,
        withdrawn=(amount,) * withdrawn,
        reinstated=(amount,) * reinstated,
        **defaults | fields,  # type: ignore[arg-type]
    )


def _refund_found(refund_id: RefundId, amount: Money) -> PaymentCommand:
    return RecordRefundFound(
        refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId(f"re_{refund_id.hex}"), amount=amount
    )


def _refund_pending(refund_id: RefundId) -> PaymentCommand:
    return RecordRefundPending(refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId(f"re_{refund_id.hex}"))


def _refund_succeeded(refund_id: RefundId) -> PaymentCommand:
    return RecordRefundSucceeded(refund_id=RefundId(refund_id), stripe_refund_id=StripeRefundId(f"re_{refund_id.hex}"))


def _refund_failed(rng: random.Random, refund_id: RefundId) -> PaymentCommand:
    stripe_id = rng.choice((None, StripeRefundId(f"re_{refund_id.hex}")))
    return RecordRefundFailed(
        refund_id=RefundId(refund_id), stripe_refund_id=stripe_id, code="charge_disputed", message="No."
    )


def recorded(
    streams: Sequence[tuple[uuid.UUID, Sequence[PaymentEvent]]],
    *,
    rng: random.Random | None = None,
    merchant_id: MerchantId = MERCHANT,
    first_position: int = 1,
) -> list[RecordedEvent]:
    """Return the streams' events as the log holds them, in its order: streams interleave, each keeps its own.

    Positions have gaps. Without `rng` the streams follow one another.
    """
    waiting = [
        [(stream_id, version, event) for version, event in enumerate(events, 1)] for stream_id, events in streams
    ]
    log: list[RecordedEvent] = []
    position = first_position
    while waiting := [queue for queue in waiting if queue]:
        stream_id, version, event = (rng.choice(waiting) if rng else waiting[0]).pop(0)
        new = PAYMENT_CODEC.encode(
            event,
            event_id=EventId(uuid.uuid4()),
            metadata=EventMetadata(
                correlation_id=f"correlation-{stream_id}",
                actor="api:key_test",
                merchant_id=merchant_id,
                request_id="request-1" if version == 1 else None,
            ),
        )
        log.append(
            RecordedEvent(
                position=position,
                event_id=new.event_id,
                stream_id=stream_id,
                version=version,
                category="payment",
                type=new.type,
                schema_version=new.schema_version,
                data=new.data,
                metadata=new.metadata,
                recorded_at=START + timedelta(milliseconds=position),
            )
        )
        position += rng.randint(1, 3) if rng else 1
    return log


def delivered(log: Iterable[RecordedEvent]) -> list[Delivered]:
    """Return one partition's events as a consumer gets them."""
    events = list(log)
    previous = [0, *(event.position for event in events)]
    return [Delivered(event=event, previous_position=before) for event, before in zip(events, previous, strict=False)]


def by_partition(log: Iterable[RecordedEvent], partitions: int) -> dict[int, list[Delivered]]:
    """Return the partitions of a topic that the log was relayed to."""
    split: dict[int, list[RecordedEvent]] = {}
    for event in log:
        split.setdefault(partition_of(event.stream_id, partitions), []).append(event)
    return {partition: delivered(events) for partition, events in split.items()}


def batches(rng: random.Random, messages: Sequence[Delivered]) -> Iterator[Sequence[Delivered]]:
    """Yield the messages in batches of any size; now and then a delivery starts again further back."""
    at = 0
    while at < len(messages):
        end = rng.randint(at + 1, min(len(messages), at + 20))
        yield messages[at:end]
        at = rng.randint(0, end) if rng.random() < 0.2 else end
