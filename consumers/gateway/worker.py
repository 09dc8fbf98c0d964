"""One claimed task from its next step to its completion."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import stripe
import structlog

from consumers.gateway import metrics
from consumers.gateway.call_reports import report_call, report_completion, report_lease_expired
from consumers.gateway.completion import TaskCompleter
from consumers.gateway.decision import FinishedCall, is_superseded, requesting_event
from consumers.gateway.job import Job
from consumers.gateway.look_ups import LookUps, unknown_for_s
from consumers.gateway.outcomes import RETRIES, CallOutcome, Refused, Succeeded, classify_error, is_stored
from consumers.gateway.plan import Call, LookUp, next_step, searchable_after_s
from consumers.gateway.results import result_of_call, result_of_failed_read, result_of_look_up
from consumers.gateway.undo import (
    MOST_KEYS,
    NotYet,
    Undo,
    Undone,
    disputes_of,
    observation_of,
    undo_step,
    went_well,
)
from consumers.stripe.client import LeaseExpired
from consumers.stripe.payments import Stripe
from consumers.stripe.requests import CardsBy, NothingToSend, request_of
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.payments import payment_observations
from consumers.tasks.models import Task, TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from domain.ids import StripeIntentId
from domain.payment.events import PaymentEvent
from domain.payment.state import PaymentState
from event_store.privacy.vault import AnyVault, NoVault
from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.retry_policy import is_transient, is_worth_retrying
from infra.logs import bound_context
from infra.tracing import span
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC
from schemas.personal.encrypted import has_encrypted

log = structlog.get_logger(__name__)

_COMPLETE_AGAIN = Backoff(first_s=0.1, longest_s=2.0)
_FIRST_LOOK_UP_S = 1.0
_KEYS_AGAIN_S = 2.0
_LOOK_UP_AGAIN = 0.25
"""The next look-up is so much of the time away for which the outcome was unknown."""
_uniform = random.SystemRandom().uniform


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """What a job is about: the event that requested the call, decoded, and the payment as it was when claimed."""

    job: Job
    event: PaymentEvent
    payment: PaymentState


class Worker:
    """Runs jobs; stateless, one for all of them."""

    def __init__(
        self,
        stripe: Stripe,
        completer: TaskCompleter,
        *,
        lookup_after_s: float,
        missing_after_s: float,
        not_listed_after_s: float,
        lease_s: float,
        cards_by: CardsBy = CardsBy.ALLOWED_TYPES,
        vault: AnyVault | None = None,
    ) -> None:
        """`lookup_after_s` is the longest time between two look-ups; they begin within a second.

        `not_listed_after_s`, `missing_after_s`, `lease_s`: see `next_step`; what was called failed is watched for
        `missing_after_s`.
        `vault` has the keys of what Stripe is told of a payment's user.
        """
        self._stripe = stripe
        self._completer = completer
        self._look_ups = LookUps(stripe, lease_s=lease_s)
        self._lookup_after_s = lookup_after_s
        self._missing_after_s = missing_after_s
        self._not_listed_after_s = not_listed_after_s
        self._lease_s = lease_s
        self._cards_by = cards_by
        self._vault = vault or NoVault()

    async def run(self, job: Job, called: Callable[[], None]) -> None:
        """Do what the task says and put it back. Cancelled, it puts the task back to be tried again soon.

        `called` is called once Stripe is no longer needed.
        """
        payment, requested = job.payment.state, requesting_event(job.task, job.payment)
        with bound_context(
            payment_id=str(job.task.payment_id),
            request_id=None if requested is None else requested.metadata.request_id,
            correlation_id=job.task.correlation_id,
            user_id=None if payment is None else payment.user_id,
        ):
            try:
                result = await self._result_of(job)
            except LeaseExpired:
                # The task is no longer ours: it must not be sent, as its key may be older than we think.
                report_lease_expired(job.task)
                return
            except asyncio.CancelledError:
                await self._completer.complete(_finished(job, TaskResult.retry(delay_s=0, error="the worker stopped")))
                raise
            called()
            await self._complete(job, result)

    async def _result_of(self, job: Job) -> TaskResult:
        with span(f"gateway {job.task.operation.value}", kind="consumer", parent=job.task.traceparent):
            return await self._decided_result(job)

    async def _decided_result(self, job: Job) -> TaskResult:
        task, payment = job.task, job.payment.state
        if job.unreadable is not None:
            return TaskResult.dead(job.unreadable)
        if task.operation is TaskOperation.REFRESH_PAYMENT:
            if payment is not None and payment.may_appear:
                return await self._undo_if_it_appeared(job, payment)
            return await self._refresh(task, payment)
        recorded = requesting_event(task, job.payment)
        if payment is None or recorded is None:
            return TaskResult.dead("the event that requested it is not in the log")
        return await self._in_clear(job, payment, recorded)

    async def _in_clear(self, job: Job, payment: PaymentState, recorded: RecordedEvent) -> TaskResult:
        """Carry out what an event requests, with the personal data in it: not before all of that can be read."""
        try:
            (clear,) = await self._vault.decrypt([recorded])
        except Exception as error:
            if not is_transient(error):
                raise
            return TaskResult.defer(delay_s=_KEYS_AGAIN_S, error=f"its personal data cannot be read: {error}")
        if has_encrypted(recorded.data) and not self._vault.encrypts:
            return TaskResult.defer(delay_s=_KEYS_AGAIN_S, error="this process has no PRIVACY_WRAPPING_KEYS")
        request = _Request(job=job, event=PAYMENT_CODEC.decode(clear), payment=payment)
        return await self._carry_out(request, recorded)

    async def _carry_out(self, request: _Request, recorded: RecordedEvent) -> TaskResult:
        job, payment = request.job, request.payment
        step = next_step(
            job.task,
            request.event,
            payment,
            event_age_s=time.time() - recorded.recorded_at.timestamp(),
            is_superseded=is_superseded(request.event, recorded.version, job.payment),
            missing_after_s=self._missing_after_s,
            lookup_after_s=self._look_up_in(None),
            not_listed_after_s=self._not_listed_after_s,
            unknown_for_s=unknown_for_s(job),
            lease_s=self._lease_s,
        )
        match step:
            case TaskResult():
                return step
            case LookUp():
                return await self._look_up(request, step)
            case Call():
                return await self._call(request)

    def _look_up_in(self, unknown_for: float | None) -> float:
        """Return when to look up next what was unknown for so long: soon at first, and less and less often."""
        return min(self._lookup_after_s, max(_FIRST_LOOK_UP_S, (unknown_for or 0.0) * _LOOK_UP_AGAIN))

    async def _call(self, request: _Request) -> TaskResult:
        task = request.job.task
        try:
            sent = request_of(task, request.event, request.payment, cards_by=self._cards_by)
        except NothingToSend as error:
            return TaskResult.dead(str(error))
        started = time.perf_counter()
        outcome: CallOutcome
        try:
            outcome = Succeeded(answer=await self._stripe.send(sent, not_after=request.job.lease_ends_at))
        except LeaseExpired:
            raise
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
        report_call(task, outcome, time.perf_counter() - started)
        return result_of_call(task, request.event, outcome, lookup_after_s=self._look_up_in(None), uniform=_uniform)

    async def _refresh(self, task: Task, payment: PaymentState | None) -> TaskResult:
        """Read the payment at Stripe and record what is new.

        Whoever asks may know of an intent that the search does not show yet.
        """
        started = time.perf_counter()
        try:
            intent_id = None if payment is None else payment.intent_id
            if intent_id is None:
                found = await self._stripe.find_intent(intent_id=None, payment_id=task.payment_id)
                if found is None:
                    is_searchable = payment is None or task.age_s >= searchable_after_s(self._lease_s)
                    return (
                        TaskResult.done() if is_searchable else TaskResult.watch(delay_s=self._look_up_in(task.age_s))
                    )
                intent_id = StripeIntentId(found["id"])
            shown = await self._stripe.read(intent_id)
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
            report_call(task, outcome, time.perf_counter() - started)
            return result_of_failed_read(task, outcome, uniform=_uniform)
        report_call(task, Succeeded(answer=shown.intent), time.perf_counter() - started)
        try:
            return TaskResult.done(payment_observations(shown.intent, shown.refunds, shown.disputes))
        except UnexpectedObject as error:
            return TaskResult.dead(str(error))

    async def _look_up(self, request: _Request, step: LookUp) -> TaskResult:
        task, again_in_s = request.job.task, self._look_up_in(unknown_for_s(request.job))
        try:
            found = await self._look_ups.find(request.job, request.event, request.payment, step)
        except LeaseExpired:
            metrics.LOOK_UPS.labels("failed").inc()
            return TaskResult.outcome_unknown(
                delay_s=again_in_s, error="look-up: too many intents to list within a lease"
            )
        except Exception as error:  # noqa: BLE001 - a look-up changes nothing: whatever failed, it is done again
            metrics.LOOK_UPS.labels("failed").inc()
            put_back = TaskResult.defer if step.expired else TaskResult.outcome_unknown
            return put_back(delay_s=again_in_s, error=f"look-up: {type(error).__name__}: {error}")
        metrics.LOOK_UPS.labels("missing" if found is None else "found").inc()
        log.warning("stripe_outcome_looked_up", operation=task.operation.value, found=found is not None)
        return result_of_look_up(
            task,
            request.event,
            found,
            request.payment,
            is_final=step.is_final,
            expired=step.expired,
            lookup_after_s=again_in_s,
        )

    async def _undo_if_it_appeared(self, job: Job, payment: PaymentState) -> TaskResult:
        """Undo at Stripe what was called failed as Stripe did not show it, and stands there after all."""
        task, event_id = job.task, job.payment.events[0].event_id
        failed_for_s = time.time() - job.failed_at
        is_over = failed_for_s >= self._missing_after_s
        try:
            found = await self._look_ups.find_appeared(job, payment, is_final=is_over)
            if found is None:
                return TaskResult.done() if is_over else TaskResult.watch(delay_s=self._look_up_in(failed_for_s))
            shown = await self._stripe.read(StripeIntentId(str(found["id"])))
            for failures in range(MOST_KEYS):
                step = undo_step(shown, event_id=event_id, payment_id=task.payment_id, failures=failures)
                try:
                    return await self._undo(job, payment, step, disputes_of(shown))
                except stripe.StripeError as error:
                    if is_stored(error):
                        continue
                    if isinstance(refused := classify_error(error), Refused):
                        return TaskResult.dead(f"It could not be undone: {refused.fault.code}: {refused.fault.message}")
                    raise
        except LeaseExpired:
            raise
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            return result_of_failed_read(task, classify_error(error), uniform=_uniform)
        return TaskResult.dead(f"It could not be undone: Stripe failed or refused {MOST_KEYS} times")

    async def _undo(
        self, job: Job, payment: PaymentState, step: Undo | Undone | NotYet, disputes: Sequence[str]
    ) -> TaskResult:
        if isinstance(step, NotYet):
            return TaskResult.watch(delay_s=RETRIES.longest_s)
        observation = step.observation
        if observation.intent_id in payment.intents_undone:
            is_undone = isinstance(step, Undone)
            if is_undone and disputes:
                return TaskResult.dead(f"What was undone at Stripe is disputed: {', '.join(disputes)}")
            return TaskResult.done() if is_undone else TaskResult.dead("What was undone at Stripe came back")
        if isinstance(step, Undo):
            answer = await self._stripe.send(step.request, not_after=job.lease_ends_at)
            if not went_well(step, answer):
                return TaskResult.dead(f"It could not be undone: {answer.get('id')} is {answer.get('status')}")
            observation = observation_of(step, answer)
        return TaskResult.done((observation,))

    async def _complete(self, job: Job, result: TaskResult) -> None:
        """Write the result; while the database is away, until the lease expires at the latest.

        A database that refuses whatever is written (a right or a table is missing) says nothing about the task: a
        dead letter would lose Stripe's answer, and hold up the payment until a person came.
        """
        pauses = Pauses(_COMPLETE_AGAIN)
        while True:
            try:
                completed = await self._completer.complete(_finished(job, result))
            except Exception as error:
                if is_worth_retrying(error):
                    log.warning("gateway_completion_retries", error=f"{type(error).__name__}: {error}")
                elif result.status is TaskStatus.DEAD:
                    raise
                else:
                    log.exception("gateway_completion_failed")
                    result = TaskResult.dead(f"{type(error).__name__}: {error}")
                await asyncio.sleep(pauses.failed())
            else:
                requested_at = job.requested_at if job.payment.events else None
                report_completion(job.task, completed, requested_at=requested_at)
                return


def _finished(job: Job, result: TaskResult) -> FinishedCall:
    return FinishedCall(task=job.task, payment=job.payment, result=result)
