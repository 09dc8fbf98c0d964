import dataclasses
import uuid

import pytest

from consumers.gateway.intake import task_of
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RefundId, RequestId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, PaymentCommand, RequestPayment
from domain.payment.observations import RecordAuthorized, RecordIntentCreated
from domain.payment.values import CaptureMethod, PaymentStatus
from schemas.errors import InvalidEventData, UnknownEventType, UnsupportedSchemaVersion
from tests.support.payment_histories import events_of, paid, recorded, refunded, request_payment

PAYMENT_ID = PaymentId(uuid.uuid4())


def operations(*commands: PaymentCommand) -> list[TaskOperation | None]:
    tasks = [task_of(event) for event in recorded([(PAYMENT_ID, events_of(commands))])]
    return [None if task is None else task.operation for task in tasks]


def a_request(**fields: object) -> RequestPayment:
    return request_payment(PAYMENT_ID, **fields)


def test_only_requests_ask_for_a_call() -> None:
    refund = refunded(RefundId(uuid.uuid4()), Money(amount_cents=500, currency="USD"))
    assert operations(*paid(a_request()), *refund) == [
        TaskOperation.CREATE_INTENT,
        None,
        None,
        TaskOperation.CREATE_REFUND,
        None,
    ]


def test_a_confirmation_asks_to_confirm() -> None:
    created = RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION)
    assert operations(a_request(confirm=False), created, ConfirmPayment())[-1] is TaskOperation.CONFIRM_INTENT


def test_a_capture_asks_to_capture() -> None:
    request = a_request(capture_method=CaptureMethod.MANUAL)
    held = RecordAuthorized(intent_id=StripeIntentId("pi_1"), amount=request.amount, charge_id=StripeChargeId("ch_1"))
    capture = CapturePayment(request_id=RequestId(uuid.uuid4()))
    assert operations(request, held, capture)[-1] is TaskOperation.CAPTURE_INTENT


def test_a_cancellation_asks_to_cancel() -> None:
    request = a_request(confirm=False)
    assert operations(request, CancelPayment(request_id=RequestId(uuid.uuid4())))[-1] is TaskOperation.CANCEL_INTENT


def test_a_task_is_known_by_its_event_and_carries_where_it_comes_from() -> None:
    (event,) = recorded([(PAYMENT_ID, events_of([a_request()]))], first_position=77)
    task = task_of(event)
    assert task is not None
    assert task.event_id == event.event_id
    assert task.payment_id == PAYMENT_ID
    assert task.position == 77
    assert task.merchant_id == event.metadata.merchant_id
    assert task.correlation_id == event.metadata.correlation_id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"type": "payment.exploded"}, UnknownEventType),
        ({"schema_version": 99}, UnsupportedSchemaVersion),
        ({"data": b"{}"}, InvalidEventData),
    ],
)
def test_an_event_that_cannot_be_read_is_not_passed_over(change: dict[str, object], error: type[Exception]) -> None:
    (event,) = recorded([(PAYMENT_ID, events_of([a_request()]))])
    with pytest.raises(error):
        task_of(dataclasses.replace(event, **change))  # type: ignore[arg-type]
