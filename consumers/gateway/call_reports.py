"""Logs and counts calls, and what their tasks come to."""

import time

import structlog

from consumers.gateway import metrics
from consumers.gateway.completion import Completed
from consumers.gateway.outcomes import (
    Broken,
    CallOutcome,
    Refused,
    Retryable,
    Succeeded,
    Throttled,
    UnknownOutcome,
)
from consumers.tasks.models import Task, TaskOperation, TaskStatus
from consumers.tasks.results import TaskResult
from domain.payment.observations import RecordUndone

log = structlog.get_logger(__name__)


def report_call(task: Task, outcome: CallOutcome, seconds: float) -> None:
    """Report a call or a read, which took so long."""
    operation = task.operation.value
    metrics.CALLS.labels(operation, _name(outcome)).inc()
    if isinstance(outcome, Throttled):
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


def report_completion(task: Task, completed: Completed, *, requested_at: float | None) -> None:
    """Report what a task came to. `requested_at`: the payment, in Unix seconds; None: its events cannot be read."""
    operation, result = task.operation.value, completed.result
    if result is None:
        report_lease_expired(task)
        return
    if completed.status_changed and completed.payment is not None:
        status = completed.payment.status.value
        if task.operation is TaskOperation.CREATE_INTENT and requested_at is not None:
            metrics.PROCESSING_SECONDS.labels(status).observe(time.time() - requested_at)
        log.info("payment_status_changed", status=status)
    match result.status:
        case TaskStatus.DONE:
            _report_undone(result)
        case TaskStatus.DUE:
            _report_due(task, result)
        case TaskStatus.UNKNOWN:
            log.warning("stripe_outcome_unknown", operation=operation, error=result.error)
        case TaskStatus.DEAD:
            metrics.DEAD.labels(operation).inc()
            log.error("gateway_dead_letter", operation=operation, error=result.error)
        case TaskStatus.LEASED:
            raise AssertionError("a result ends the lease")


def report_lease_expired(task: Task) -> None:
    """Report that another worker may have the task: what came of it is dropped."""
    metrics.LEASES_LOST.inc()
    log.warning("gateway_lease_expired", operation=task.operation.value)


def _report_due(task: Task, result: TaskResult) -> None:
    operation = task.operation.value
    if result.error is None:  # it is watched, and that is no failure
        return
    if result.deferred:
        log.info("stripe_call_deferred", operation=operation, error=result.error)
        return
    metrics.RETRIES.labels(operation).inc()
    log.info(
        "stripe_call_retry",
        operation=operation,
        attempt=task.attempts,
        delay_ms=round(result.delay_s * 1000),
        error=result.error,
    )


def _report_undone(result: TaskResult) -> None:
    for each in result.observations:
        if isinstance(each, RecordUndone):
            metrics.UNDONE.labels(each.how).inc()
            log.error("stripe_payment_undone", how=each.how, intent_id=each.intent_id, amount=str(each.amount))


def _name(outcome: CallOutcome) -> str:
    match outcome:
        case Succeeded():
            return "succeeded"
        case Refused():
            return "declined" if outcome.is_decline else "refused"
        case Retryable():
            return "retryable"
        case UnknownOutcome():
            return "unknown"
        case Broken():
            return "broken"
        case Throttled():
            return "throttled"


def _stripe_id(outcome: CallOutcome) -> str | None:
    match outcome:
        case Succeeded(answer=answer):
            return str(answer.get("id"))
        case Refused(fault=fault) if fault.intent is not None:
            return str(fault.intent.get("id"))
        case _:
            return None
