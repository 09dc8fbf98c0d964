"""One claimed task from its plan to its settlement."""

import asyncio
import random
import time
from dataclasses import dataclass

import structlog

from consumers.gateway import backoff, metrics
from consumers.gateway.conclusions import (
    AskLater,
    Bury,
    Conclusion,
    Finish,
    PutOff,
    TryAgain,
    Watch,
    conclude,
    looked_up,
    not_read,
)
from consumers.gateway.outcomes import (
    Broken,
    HeldBack,
    Outcome,
    Refused,
    Retryable,
    Succeeded,
    Unknown,
    classify_error,
)
from consumers.gateway.plan import KEY_LIFE_S, Call, GiveUpSending, LookUp, Plan, Settle, plan, was_sent_lately
from consumers.gateway.settle import Settled, Settlement, Settler, asking_event, is_superseded, unknown_since
from consumers.gateway.undo import NotYet, Undo, Undone, next_step, went_well
from consumers.stripe.client import JsonObject, Stripe, TooLate
from consumers.stripe.requests import CardsBy, NothingToSend, request_of
from consumers.stripe.translate.payments import UnexpectedObject, payment_facts
from consumers.tasks.models import Operation, Task, TaskStatus
from domain.ids import StripeIntentId
from domain.payment.events import PaymentEvent, RefundRequested
from domain.payment.observations import RecordUndone
from domain.payment.state import PaymentState
from event_store.payments import LoadedPayment
from infra.kafka.consumer.retry_policy import is_worth_retrying
from infra.logs import bound_context
from schemas.events import PAYMENT_CODEC

log = structlog.get_logger(__name__)

_SETTLE_AGAIN_S = (0.1, 2.0)
# Clocks differ: ours, the database's, Stripe's.
_CLOCKS_S = 600.0
_LISTED_CLOCKS_S = 60.0
"""The same for what is listed within seconds: the more time is listed, the more pages there are."""
_LISTED_FOR_S = 120.0
"""So long, what was called failed is listed rather than searched for: the search lags behind."""
_FIRST_LOOK_UP_S = 1.0
_LOOK_UP_AGAIN = 0.25
"""The next look-up is so much of the time away for which the outcome was unknown."""
_uniform = random.SystemRandom().uniform


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A claimed task with its payment as it was then.

    `lease_ends_at` is in Unix seconds: a clock that goes on while the machine sleeps. `unreadable` says why
    the payment's events cannot be read, if so.
    """

    task: Task
    payment: LoadedPayment
    lease_ends_at: float
    unreadable: str | None = None


class Worker:
    """Runs jobs; stateless, one for all of them."""

    def __init__(
        self,
        stripe: Stripe,
        settler: Settler,
        *,
        lookup_after_s: float,
        missing_after_s: float,
        not_listed_after_s: float,
        cards_by: CardsBy = CardsBy.ALLOWED_TYPES,
    ) -> None:
        """`lookup_after_s` is the longest time between two look-ups; they begin within a second.

        `not_listed_after_s`, `missing_after_s`: see `plan`; what was called failed is watched for as long as the last.
        """
        self._stripe = stripe
        self._settler = settler
        self._lookup_after_s = lookup_after_s
        self._missing_after_s = missing_after_s
        self._not_listed_after_s = not_listed_after_s
        self._cards_by = cards_by

    async def run(self, job: Job) -> None:
        """Do what the task wants and put it back. Cancelled, it puts the task back to be tried again soon."""
        payment, asked = job.payment.state, asking_event(job.task, job.payment)
        with bound_context(
            payment_id=str(job.task.payment_id),
            request_id=None if asked is None else asked.metadata.request_id,
            correlation_id=job.task.correlation_id,
            user_id=None if payment is None else payment.user_id,
        ):
            try:
                conclusion = await self._conclude(job)
            except TooLate:
                # The task is no longer ours: it must not be sent, as its key may be older than we think.
                metrics.LEASES_LOST.inc()
                log.warning("gateway_lease_lost", operation=job.task.operation.value)
                return
            except asyncio.CancelledError:
                await self._settler.settle(_settlement(job, TryAgain(delay_s=0, error="the worker stopped")))
                raise
            await self._settle(job, conclusion)

    async def _conclude(self, job: Job) -> Conclusion:
        task, payment = job.task, job.payment.state
        if job.unreadable is not None:
            return Bury(error=job.unreadable)
        if task.operation is Operation.REFRESH_PAYMENT:
            if payment is not None and payment.may_appear:
                return await self._look_whether_it_appeared(job, payment)
            return await self._refresh(task, payment)
        recorded = asking_event(task, job.payment)
        if payment is None or recorded is None:
            return Bury(error="the event that asked for it is not in the log")
        asked = PAYMENT_CODEC.decode(recorded)
        planned = plan(
            task,
            asked,
            payment,
            event_age_s=time.time() - recorded.recorded_at.timestamp(),
            is_superseded=is_superseded(asked, recorded.version, job.payment),
            missing_after_s=self._missing_after_s,
            not_listed_after_s=self._not_listed_after_s,
            unknown_for_s=_unknown_for_s(job),
        )
        try:
            return await self._carry_out(planned, job, asked, payment)
        except NothingToSend as error:
            return Bury(error=str(error))

    async def _carry_out(self, planned: Plan, job: Job, asked: PaymentEvent, payment: PaymentState) -> Conclusion:
        task = job.task
        match planned:
            case Settle(facts=facts):
                return Finish(facts=facts)
            case GiveUpSending():
                return AskLater(delay_s=self._look_up_in(None), error="too old to be sent again")
            case LookUp():
                return await self._look_up(job, asked, payment, planned)
            case Call():
                outcome = await self._call(job, asked, payment)
        return conclude(task, asked, outcome, lookup_after_s=self._look_up_in(None), uniform=_uniform)

    def _look_up_in(self, unknown_for_s: float | None) -> float:
        """Return when to look up next what was unknown for so long: soon at first, and less and less often."""
        return min(self._lookup_after_s, max(_FIRST_LOOK_UP_S, (unknown_for_s or 0.0) * _LOOK_UP_AGAIN))

    async def _call(self, job: Job, asked: PaymentEvent, payment: PaymentState) -> Outcome:
        task = job.task
        request = request_of(task, asked, payment, cards_by=self._cards_by)
        started = time.perf_counter()
        outcome: Outcome
        try:
            outcome = Succeeded(answer=await self._stripe.send(request, not_after=job.lease_ends_at))
        except TooLate:
            raise
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
        _report_call(task, outcome, time.perf_counter() - started)
        return outcome

    async def _refresh(self, task: Task, payment: PaymentState | None) -> Conclusion:
        """Read the payment at Stripe and record what is news."""
        started = time.perf_counter()
        try:
            intent_id = None if payment is None else payment.intent_id
            if intent_id is None:
                found = await self._stripe.find_intent(intent_id=None, payment_id=task.payment_id)
                if found is None:
                    return Finish()
                intent_id = StripeIntentId(found["id"])
            reading = await self._stripe.read(intent_id)
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
            assert not isinstance(outcome, Succeeded)
            _report_call(task, outcome, time.perf_counter() - started)
            return not_read(task, outcome, uniform=_uniform)
        _report_call(task, Succeeded(answer=reading.intent), time.perf_counter() - started)
        try:
            return Finish(facts=payment_facts(reading.intent, reading.refunds, reading.disputes))
        except UnexpectedObject as error:
            return Bury(error=str(error))

    async def _look_up(self, job: Job, asked: PaymentEvent, payment: PaymentState, wanted: LookUp) -> Conclusion:
        task = job.task
        again_in_s = self._look_up_in(_unknown_for_s(job))
        try:
            if isinstance(asked, RefundRequested) and payment.intent_id is not None:
                found = await self._stripe.find_refund(intent_id=payment.intent_id, refund_id=asked.refund_id)
            elif payment.intent_id is not None:
                found = await self._stripe.find_intent(intent_id=payment.intent_id, payment_id=task.payment_id)
            else:
                found = await self._find_unknown_intent(job, is_final=wanted.is_final and not wanted.expired)
        except TooLate:
            metrics.LOOK_UPS.labels("failed").inc()
            return AskLater(delay_s=again_in_s, error="look-up: too many intents to list within a lease")
        except Exception as error:  # noqa: BLE001 - a look-up changes nothing: whatever failed, it is done again
            metrics.LOOK_UPS.labels("failed").inc()
            failed = f"look-up: {type(error).__name__}: {error}"
            return (
                PutOff(delay_s=again_in_s, error=failed)
                if wanted.expired
                else AskLater(delay_s=again_in_s, error=failed)
            )
        metrics.LOOK_UPS.labels("missing" if found is None else "found").inc()
        log.warning("stripe_outcome_looked_up", operation=task.operation.value, found=found is not None)
        return looked_up(
            task,
            asked,
            found,
            payment,
            is_final=wanted.is_final,
            expired=wanted.expired,
            lookup_after_s=again_in_s,
        )

    async def _find_unknown_intent(self, job: Job, *, is_final: bool) -> JsonObject | None:
        """Find the intent that a creation may have made.

        The list shows all that was made before Stripe answered. The search may lag behind, so a payment that it hides
        must not be called failed; but of what was sent long ago, nobody knows when, the list is long.
        """
        task, now = job.task, time.time()
        first = min(now - task.age_s, _recorded_at(job) or now)
        unknown_for_s = _unknown_for_s(job)
        if unknown_for_s is not None and was_sent_lately(now - first, unknown_for_s):
            return await self._stripe.list_intent(
                task.payment_id,
                created_from=first - _LISTED_CLOCKS_S,
                created_to=now - unknown_for_s + _LISTED_CLOCKS_S,
                not_after=job.lease_ends_at,
            )
        found = await self._stripe.find_intent(intent_id=None, payment_id=task.payment_id)
        if found is not None or not is_final:
            return found
        return await self._list_a_whole_life(job, now - task.age_s, first)

    async def _list_a_whole_life(self, job: Job, sent_at: float, first: float) -> JsonObject | None:
        return await self._stripe.list_intent(
            job.task.payment_id,
            created_from=first - _CLOCKS_S,
            created_to=sent_at + KEY_LIFE_S + _CLOCKS_S,
            not_after=job.lease_ends_at,
        )

    async def _look_whether_it_appeared(self, job: Job, payment: PaymentState) -> Conclusion:
        """Undo at Stripe what was called failed as Stripe did not show it, and stands there after all."""
        task, event_id = job.task, job.payment.events[0].event_id
        try:
            found = await self._find_appeared(job, payment)
            if found is None:
                age_s = time.time() - _requested_at(job)
                return Finish() if age_s >= self._missing_after_s else Watch(delay_s=self._look_up_in(age_s))
            reading = await self._stripe.read(str(found["id"]))
            step = next_step(reading, event_id=event_id, payment_id=task.payment_id)
            if isinstance(step, NotYet):
                return Watch(delay_s=backoff.CAP_S)
            if step.fact.intent_id in payment.intents_undone:
                return Finish() if isinstance(step, Undone) else Bury(error="What was undone at Stripe came back")
            if isinstance(step, Undo):
                answer = await self._stripe.send(step.request, not_after=job.lease_ends_at)
                if not went_well(step, answer):
                    return Bury(error=f"It could not be undone: {answer.get('id')} is {answer.get('status')}")
        except TooLate:
            raise
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
            assert not isinstance(outcome, Succeeded)
            return not_read(task, outcome, uniform=_uniform)
        return Finish(facts=(step.fact,))

    async def _find_appeared(self, job: Job, payment: PaymentState) -> JsonObject | None:
        payment_id, now, requested_at = job.task.payment_id, time.time(), _requested_at(job)
        for intent_id in payment.intents_undone:
            return await self._stripe.find_intent(intent_id=intent_id, payment_id=payment_id)
        if now - requested_at < _LISTED_FOR_S:
            return await self._stripe.list_intent(
                payment_id,
                created_from=requested_at - _LISTED_CLOCKS_S,
                created_to=now + _LISTED_CLOCKS_S,
                not_after=job.lease_ends_at,
            )
        found = await self._stripe.find_intent(intent_id=None, payment_id=payment_id)
        if found is not None or now - requested_at < self._missing_after_s:
            return found
        return await self._list_a_whole_life(job, requested_at, requested_at)

    async def _settle(self, job: Job, conclusion: Conclusion) -> None:
        """Write the end of the task; while the database is away, until the lease is lost at the latest.

        A database that refuses whatever is written (a right or a table is missing) says nothing about the task: to
        bury it would lose Stripe's answer, and hold up the payment until a person came.
        """
        delay, longest = _SETTLE_AGAIN_S
        while True:
            try:
                settled = await self._settler.settle(_settlement(job, conclusion))
            except Exception as error:
                if is_worth_retrying(error):
                    log.warning("gateway_settle_retries", error=f"{type(error).__name__}: {error}")
                elif isinstance(conclusion, Bury):
                    raise
                else:
                    log.exception("gateway_settle_failed")
                    conclusion = Bury(error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)
            else:
                _report(job.task, conclusion, settled)
                return


def _recorded_at(job: Job) -> float | None:
    """Return when the event that asked for the call was recorded, in Unix seconds."""
    recorded = asking_event(job.task, job.payment)
    return None if recorded is None else recorded.recorded_at.timestamp()


def _requested_at(job: Job) -> float:
    """Return when the payment was asked for, in Unix seconds."""
    return job.payment.events[0].recorded_at.timestamp()


def _unknown_for_s(job: Job) -> float | None:
    """Return how long the outcome of the call was unknown; None: it is not recorded that it is."""
    since = unknown_since(job.task, job.payment)
    return None if since is None else max(0.0, time.time() - since.timestamp())


def _report_call(task: Task, outcome: Outcome, seconds: float) -> None:
    operation = task.operation.value
    metrics.CALLS.labels(operation, _name(outcome)).inc()
    if isinstance(outcome, HeldBack):
        return  # it did not last, and many are
    metrics.CALL_SECONDS.labels(operation).observe(seconds)
    log.info(
        "stripe_call_finished",
        operation=operation,
        outcome=_name(outcome),
        duration_ms=round(seconds * 1000, 1),
        stripe_id=_stripe_id(outcome),
        code=outcome.fault.code if isinstance(outcome, Refused) else None,
        decline_code=outcome.fault.decline_code if isinstance(outcome, Refused) else None,
        attempt=task.attempts,
    )
    if isinstance(outcome, Retryable) and outcome.alarm:
        log.error("stripe_call_needs_attention", operation=operation, error=outcome.reason)


def _settlement(job: Job, conclusion: Conclusion) -> Settlement:
    return Settlement(task=job.task, payment=job.payment, conclusion=conclusion)


def _report(task: Task, conclusion: Conclusion, settled: Settled) -> None:
    operation = task.operation.value
    ending = settled.ending
    if ending is None:
        metrics.LEASES_LOST.inc()
        log.warning("gateway_lease_lost", operation=operation)
        return
    if settled.status_changed and settled.payment is not None:
        log.info("payment_status_changed", status=settled.payment.status.value)
    if isinstance(conclusion, Finish) and ending.status is TaskStatus.DONE:
        _report_undone(conclusion)
    match ending.status:
        case TaskStatus.DUE if isinstance(conclusion, Watch):
            return
        case TaskStatus.DUE if isinstance(conclusion, PutOff):
            log.info("stripe_call_put_off", operation=operation, error=ending.error)
        case TaskStatus.DUE:
            metrics.RETRIES.labels(operation).inc()
            delay_ms = round(ending.delay_s * 1000)
            log.info(
                "stripe_call_retry",
                operation=operation,
                attempt=task.attempts,
                delay_ms=delay_ms,
                error=ending.error,
            )
        case TaskStatus.UNKNOWN:
            log.warning("stripe_outcome_unknown", operation=operation, error=ending.error)
        case TaskStatus.DEAD:
            metrics.DEAD.labels(operation).inc()
            log.error("gateway_dead_letter", operation=operation, error=ending.error, of=type(conclusion).__name__)
        case _:
            return


def _report_undone(conclusion: Finish) -> None:
    for fact in conclusion.facts:
        if isinstance(fact, RecordUndone):
            metrics.UNDONE.labels(fact.how).inc()
            log.error("stripe_payment_undone", how=fact.how, intent_id=fact.intent_id, amount=str(fact.amount))


def _name(outcome: Outcome) -> str:
    match outcome:
        case Succeeded():
            return "succeeded"
        case Refused():
            return "declined" if outcome.is_decline else "refused"
        case Retryable():
            return "retryable"
        case Unknown():
            return "unknown"
        case Broken():
            return "broken"
        case HeldBack():
            return "held_back"


def _stripe_id(outcome: Outcome) -> str | None:
    match outcome:
        case Succeeded(answer=answer):
            return str(answer.get("id"))
        case Refused(fault=fault) if fault.intent is not None:
            return str(fault.intent.get("id"))
        case _:
            return None
