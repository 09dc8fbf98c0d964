"""One claimed task from its plan to its settlement."""

import asyncio
import random
import time
from dataclasses import dataclass

import structlog

from consumers.gateway import metrics
from consumers.gateway.calls import Stripe
from consumers.gateway.conclusions import (
    AskLater,
    Bury,
    Conclusion,
    Finish,
    TryAgain,
    conclude,
    looked_up,
)
from consumers.gateway.outcomes import (
    Broken,
    Outcome,
    Refused,
    Retryable,
    Succeeded,
    Unknown,
    classify_error,
)
from consumers.gateway.plan import Call, GiveUpSending, LookUp, Plan, Settle, plan
from consumers.gateway.requests import NothingToSend, request_of
from consumers.gateway.settle import Settled, Settlement, Settler, asking_event
from consumers.gateway.tasks import Operation, Task, TaskStatus
from domain.payment import PaymentEvent, PaymentState, RefundRequested
from event_store.payments import LoadedPayment
from infra.kafka.transient import is_transient
from infra.logs import bound_context
from schemas.events import decode

log = structlog.get_logger(__name__)

_SETTLE_AGAIN_S = (0.1, 2.0)
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


class LeaseOver(Exception):
    """The task is no longer ours: it must not be sent, as its key may be older than we think."""


class Worker:
    """Runs jobs; stateless, one for all of them."""

    def __init__(self, stripe: Stripe, settler: Settler, *, lookup_after_s: float) -> None:
        self._stripe = stripe
        self._settler = settler
        self._lookup_after_s = lookup_after_s

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
            except LeaseOver:
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
        recorded = asking_event(task, job.payment)
        if payment is None or recorded is None:
            return Bury(error="the event that asked for it is not in the log")
        asked = decode(recorded)
        planned = plan(task, asked, payment)
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
            case LookUp(is_final=is_final):
                return await self._look_up(task, asked, payment, is_final=is_final)
            case Call():
                if time.time() > job.lease_ends_at:
                    raise LeaseOver
                outcome = await self._call(task, asked, payment)
        return conclude(task, asked, outcome, lookup_after_s=self._lookup_after_s, uniform=_uniform)

    async def _call(self, task: Task, asked: PaymentEvent, payment: PaymentState) -> Outcome:
        request = request_of(task, asked, payment)
        started = time.perf_counter()
        outcome: Outcome
        try:
            outcome = Succeeded(answer=await self._stripe.send(request))
        except Exception as error:  # noqa: BLE001 - the table of outcomes knows every kind
            outcome = classify_error(error)
        seconds = time.perf_counter() - started
        metrics.CALL_SECONDS.labels(task.operation).observe(seconds)
        metrics.CALLS.labels(task.operation, _name(outcome)).inc()
        log.info(
            "stripe_call_finished",
            operation=task.operation.value,
            outcome=_name(outcome),
            duration_ms=round(seconds * 1000, 1),
            stripe_id=_stripe_id(outcome),
            code=outcome.fault.code if isinstance(outcome, Refused) else None,
            decline_code=outcome.fault.decline_code if isinstance(outcome, Refused) else None,
            attempt=task.attempts,
        )
        if isinstance(outcome, Retryable) and outcome.alarm:
            log.error("stripe_call_needs_attention", operation=task.operation.value, error=outcome.reason)
        return outcome

    async def _look_up(self, task: Task, asked: PaymentEvent, payment: PaymentState, *, is_final: bool) -> Conclusion:
        try:
            if isinstance(asked, RefundRequested) and payment.intent_id is not None:
                found = await self._stripe.find_refund(intent_id=payment.intent_id, refund_id=asked.refund_id)
            else:
                found = await self._stripe.find_intent(
                    intent_id=None if task.operation is Operation.CREATE_INTENT else payment.intent_id,
                    payment_id=task.payment_id,
                )
        except Exception as error:  # noqa: BLE001 - a look-up changes nothing: whatever failed, it is done again
            metrics.LOOK_UPS.labels("failed").inc()
            return AskLater(delay_s=self._lookup_after_s, error=f"look-up: {type(error).__name__}: {error}")
        metrics.LOOK_UPS.labels("missing" if found is None else "found").inc()
        log.warning("stripe_outcome_looked_up", operation=task.operation.value, found=found is not None)
        return looked_up(task, asked, found, is_final=is_final, lookup_after_s=self._lookup_after_s)

    async def _settle(self, job: Job, conclusion: Conclusion) -> None:
        """Write the end of the task; while the database is away, until the lease is lost at the latest."""
        delay, longest = _SETTLE_AGAIN_S
        while True:
            try:
                settled = await self._settler.settle(_settlement(job, conclusion))
            except Exception as error:
                if is_transient(error):
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


def _stripe_id(outcome: Outcome) -> str | None:
    match outcome:
        case Succeeded(answer=answer):
            return str(answer.get("id"))
        case Refused(fault=fault) if fault.intent is not None:
            return str(fault.intent.get("id"))
        case _:
            return None
