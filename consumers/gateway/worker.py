"""One claimed task from its plan to its settlement."""

import asyncio
import random
import time
from dataclasses import dataclass

import structlog

from consumers.gateway import metrics
from consumers.gateway.calls import Stripe, TooLate
from consumers.gateway.conclusions import (
    AskLater,
    Bury,
    Conclusion,
    Finish,
    PutOff,
    TryAgain,
    conclude,
    looked_up,
    not_read,
)
from consumers.gateway.interpret import UnexpectedObject, payment_facts
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
from consumers.gateway.plan import KEY_LIFE_S, Call, GiveUpSending, LookUp, Plan, Settle, plan
from consumers.gateway.requests import NothingToSend, request_of
from consumers.gateway.settle import Settled, Settlement, Settler, asking_event, is_superseded
from consumers.gateway.tasks import Operation, Task, TaskStatus
from domain.payment import PaymentEvent, PaymentState, RefundRequested
from event_store.payments import LoadedPayment
from infra.kafka.transient import is_worth_retrying
from infra.logs import bound_context
from schemas.events import decode

log = structlog.get_logger(__name__)

_SETTLE_AGAIN_S = (0.1, 2.0)
# Clocks differ: ours, the database's, Stripe's.
_CLOCKS_S = 600.0
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

    def __init__(self, stripe: Stripe, settler: Settler, *, lookup_after_s: float, missing_after_s: float) -> None:
        self._stripe = stripe
        self._settler = settler
        self._lookup_after_s = lookup_after_s
        self._missing_after_s = missing_after_s

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
            return await self._refresh(task, payment)
        recorded = asking_event(task, job.payment)
        if payment is None or recorded is None:
            return Bury(error="the event that asked for it is not in the log")
        asked = decode(recorded)
        planned = plan(
            task,
            asked,
            payment,
            event_age_s=time.time() - recorded.recorded_at.timestamp(),
            is_superseded=is_superseded(asked, recorded.version, job.payment),
            missing_after_s=self._missing_after_s,
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
                return AskLater(delay_s=self._lookup_after_s, error="too old to be sent again")
            case LookUp():
                return await self._look_up(job, asked, payment, planned)
            case Call():
                outcome = await self._call(job, asked, payment)
        return conclude(task, asked, outcome, lookup_after_s=self._lookup_after_s, uniform=_uniform)

    async def _call(self, job: Job, asked: PaymentEvent, payment: PaymentState) -> Outcome:
        task = job.task
        request = request_of(task, asked, payment)
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
                intent_id = str(found["id"])
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
        try:
            if isinstance(asked, RefundRequested) and payment.intent_id is not None:
                found = await self._stripe.find_refund(intent_id=payment.intent_id, refund_id=asked.refund_id)
            else:
                found = await self._stripe.find_intent(
                    intent_id=None if task.operation is Operation.CREATE_INTENT else payment.intent_id,
                    payment_id=task.payment_id,
                )
                if found is None and wanted.is_final and not wanted.expired:
                    # The search may lag behind: a payment that it hides must not be called failed.
                    first = time.time() - task.age_s
                    found = await self._stripe.list_intent(
                        task.payment_id,
                        created_from=first - _CLOCKS_S,
                        created_to=first + KEY_LIFE_S + _CLOCKS_S,
                        not_after=job.lease_ends_at,
                    )
        except TooLate:
            metrics.LOOK_UPS.labels("failed").inc()
            return AskLater(delay_s=self._lookup_after_s, error="look-up: too many intents to list within a lease")
        except Exception as error:  # noqa: BLE001 - a look-up changes nothing: whatever failed, it is done again
            metrics.LOOK_UPS.labels("failed").inc()
            failed = f"look-up: {type(error).__name__}: {error}"
            if wanted.expired:
                return PutOff(delay_s=self._lookup_after_s, error=failed)
            return AskLater(delay_s=self._lookup_after_s, error=failed)
        metrics.LOOK_UPS.labels("missing" if found is None else "found").inc()
        log.warning("stripe_outcome_looked_up", operation=task.operation.value, found=found is not None)
        return looked_up(
            task,
            asked,
            found,
            payment,
            is_final=wanted.is_final,
            expired=wanted.expired,
            lookup_after_s=self._lookup_after_s,
        )

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
    match ending.status:
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
