"""One task from its next step to its result, with a Stripe in memory and without a database."""

import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast
from unittest import mock

import pytest
import stripe
from structlog.testing import capture_logs

from consumers.gateway.completion import Completed, TaskCompleter
from consumers.gateway.decision import FinishedCall
from consumers.gateway.job import Job
from consumers.gateway.undo import MOST_KEYS
from consumers.gateway.worker import Worker
from consumers.stripe.fakes import MemoryStripe
from consumers.stripe.translate.ids import PAYMENT_ID as OUR_ID
from consumers.tasks.models import TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from domain.ids import RequestId
from domain.payment.commands import CancelPayment, PaymentCommand
from domain.payment.observations import RecordCanceled, RecordPaymentFailed, RecordSucceeded, RecordUndone
from domain.payment.state import NOT_PROCESSED
from event_store.payments import LoadedPayment
from tests.unit.consumers.gateway.gateway_objects import PAYMENT_ID, a_loaded_payment, a_task

NO_EVENTS = LoadedPayment(state=None, version=0, events=())
CANCEL = CancelPayment(request_id=RequestId(uuid.uuid4()), reason="abandoned")
NOT_LISTED = RecordPaymentFailed(code=NOT_PROCESSED, message="Stripe did not process the request.")

_REFUSAL = {"type": "invalid_request_error", "code": "charge_disputed", "message": "It is disputed."}
DISPUTED = stripe.InvalidRequestError(
    "disputed", None, "charge_disputed", http_status=400, json_body={"error": _REFUSAL}
)


@dataclass
class Completions:
    """A `TaskCompleter` that keeps what it is given."""

    results: list[TaskResult] = field(default_factory=list)

    async def complete(self, call: FinishedCall) -> Completed:
        self.results.append(call.result)
        return Completed(result=call.result, payment=call.payment.state)


def recorded_before(seconds: float, payment: LoadedPayment) -> LoadedPayment:
    """Return a payment whose events were recorded so much earlier."""
    before = timedelta(seconds=seconds)
    events = (replace(event, recorded_at=event.recorded_at - before) for event in payment.events)
    return replace(payment, events=tuple(events))


async def run(
    stripe_fake: MemoryStripe,
    operation: TaskOperation,
    payment: LoadedPayment,
    *,
    unreadable: str | None = None,
    lease_s: float = 30,
) -> TaskResult:
    """Run a task of a payment's first event, claimed for the first time."""
    event_id = payment.events[0].event_id if payment.events else uuid.uuid4()
    task = a_task(operation, event_id=event_id)
    completions = Completions()
    worker = Worker(
        stripe_fake,
        cast("TaskCompleter", completions),
        lookup_after_s=600,
        missing_after_s=24 * 3600,
        not_listed_after_s=30,
        lease_s=lease_s,
    )
    job = Job(task=task, payment=payment, lease_ends_at=time.time() + lease_s, unreadable=unreadable)
    await worker.run(job, called=lambda: None)
    (result,) = completions.results
    return result


def charge(stripe_fake: MemoryStripe) -> None:
    """Let Stripe have charged the payment, though the log does not know."""
    sent = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    stripe_fake._create(sent | {"metadata": {OUR_ID: str(PAYMENT_ID)}})


@pytest.mark.parametrize("is_charged", [True, False])
async def test_a_payment_canceled_unsent_is_looked_for_in_the_list_first(*, is_charged: bool) -> None:
    """After a failover the row does not tell of the call that it was leased for, and the search lags behind."""
    stripe_fake = MemoryStripe(unsearchable={"pi_1"})
    if is_charged:
        charge(stripe_fake)
    result = await run(stripe_fake, TaskOperation.CREATE_INTENT, await a_loaded_payment(CANCEL))
    assert result.status is TaskStatus.DONE
    assert any(isinstance(each, RecordSucceeded) for each in result.observations) is is_charged
    assert stripe_fake.sent == []


@pytest.mark.parametrize(("recorded_s", "lease_s"), [(310, 30), (430, 150)], ids=["short_lease", "long_lease"])
@pytest.mark.parametrize("commands", [(), (CANCEL,)], ids=["expired", "canceled"])
async def test_what_was_sent_just_before_it_was_too_late_is_listed(
    commands: tuple[PaymentCommand, ...], recorded_s: float, lease_s: float
) -> None:
    """The search does not show it yet, though the request is older than the search lags behind."""
    stripe_fake = MemoryStripe(unsearchable={"pi_1"})
    charge(stripe_fake)
    payment = recorded_before(recorded_s, await a_loaded_payment(*commands, expires_in_seconds=300))
    result = await run(stripe_fake, TaskOperation.CREATE_INTENT, payment, lease_s=lease_s)
    assert any(isinstance(each, RecordSucceeded) for each in result.observations)
    assert stripe_fake.sent == []


async def test_what_expired_so_long_ago_that_the_search_shows_it_is_not_listed() -> None:
    stripe_fake = MemoryStripe()
    payment = recorded_before(430, await a_loaded_payment(expires_in_seconds=300))
    result = await run(stripe_fake, TaskOperation.CREATE_INTENT, payment)
    assert result.observations == (RecordCanceled(intent_id=None, reason="expired"),)
    assert stripe_fake.listed == []


@pytest.mark.parametrize(("failed_h", "status"), [(1, TaskStatus.DUE), (25, TaskStatus.DONE)])
async def test_what_failed_late_is_watched_for_a_day_from_then_on(failed_h: int, status: TaskStatus) -> None:
    """Stripe was away, and the request was sent, and called failed, long after it was recorded."""
    requested, *rest = recorded_before(failed_h * 3600, await a_loaded_payment(NOT_LISTED)).events
    long_ago = replace(requested, recorded_at=requested.recorded_at - timedelta(hours=23))
    payment = replace(await a_loaded_payment(NOT_LISTED), events=(long_ago, *rest))
    result = await run(MemoryStripe(), TaskOperation.REFRESH_PAYMENT, payment)
    assert result == replace(result, status=status, observations=())


async def test_an_undoing_that_stripe_failed_is_made_with_another_key() -> None:
    """The failure is stored for the first one: with that, the payer would stay charged for a day."""
    stripe_fake, failed = MemoryStripe(), await a_loaded_payment(NOT_LISTED)
    charge(stripe_fake)
    stripe_fake.server_errors = [False]
    assert (await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)).status is TaskStatus.DUE
    assert stripe_fake.refunds == []
    undone = await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)
    assert [type(each) for each in undone.observations] == [RecordUndone]
    assert [refund["amount"] for refund in stripe_fake.refunds] == [1000]
    assert len({request.idempotency_key for request in stripe_fake.sent}) == 2


async def test_an_undoing_without_an_answer_is_made_again_with_its_key() -> None:
    stripe_fake, failed = MemoryStripe(), await a_loaded_payment(NOT_LISTED)
    charge(stripe_fake)
    with mock.patch.object(stripe_fake, "send", side_effect=TimeoutError) as send:
        for _ in range(3):
            assert (await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)).status is TaskStatus.DUE
    assert len({call.args[0].idempotency_key for call in send.call_args_list}) == 1


async def test_an_undoing_that_stripe_refuses_says_so_in_its_words() -> None:
    stripe_fake, failed = MemoryStripe(), await a_loaded_payment(NOT_LISTED)
    charge(stripe_fake)
    with mock.patch.object(stripe_fake, "_refund", side_effect=DISPUTED):
        dead = await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)
    assert dead == TaskResult.dead("It could not be undone: charge_disputed: It is disputed.")


async def test_an_undoing_that_stripe_refused_is_made_when_it_is_retried() -> None:
    """The refusal is stored for the key: though the dispute was won, the payer would stay charged."""
    stripe_fake, failed = MemoryStripe(), await a_loaded_payment(NOT_LISTED)
    charge(stripe_fake)
    for _ in range(2):
        with mock.patch.object(stripe_fake, "_refund", side_effect=DISPUTED):
            assert (await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)).status is TaskStatus.DEAD
    undone = await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)
    assert [type(each) for each in undone.observations] == [RecordUndone]
    assert [refund["amount"] for refund in stripe_fake.refunds] == [1000]


async def test_an_undoing_that_stripe_always_fails_needs_a_person() -> None:
    stripe_fake, failed = MemoryStripe(), await a_loaded_payment(NOT_LISTED)
    charge(stripe_fake)
    for _ in range(MOST_KEYS):
        stripe_fake.server_errors = [False]
        assert (await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)).status is TaskStatus.DUE
    dead = await run(stripe_fake, TaskOperation.REFRESH_PAYMENT, failed)
    assert (dead.status, dead.error) == (
        TaskStatus.DEAD,
        f"It could not be undone: Stripe failed or refused {MOST_KEYS} times",
    )
    assert stripe_fake.refunds == []


@pytest.mark.parametrize("unreadable", ["BrokenHistory: requested twice", None])
async def test_a_dead_task_of_a_payment_without_events_is_reported(unreadable: str | None) -> None:
    with capture_logs() as lines:
        result = await run(MemoryStripe(), TaskOperation.CREATE_INTENT, NO_EVENTS, unreadable=unreadable)
    assert result.status is TaskStatus.DEAD
    (reported,) = [line for line in lines if line["event"] == "gateway_dead_letter"]
    assert reported["error"] == result.error
