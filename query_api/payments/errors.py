"""The problems of payments."""

from datetime import datetime

from infra.http.problems import Problem
from schemas.http.times import timestamp


def history_not_configured() -> Problem:
    """Return the 501 of a query API that was given no way to the log."""
    detail = "What a payment was is read from the log, and this query API has no AUDIT_DATABASE_URL."
    return Problem(501, "history_not_configured", "History is not configured", detail)


def payment_not_found() -> Problem:
    """Return the 404 of a payment that is not there, or is another merchant's: the two must look the same."""
    return Problem(404, "payment_not_found", "Payment not found", "There is no such payment.")


def payment_not_there_yet(first_event_at: datetime) -> Problem:
    """Return the 404 of a payment at a moment before its first event."""
    detail = f"The payment was not there yet: its first event is of {timestamp(first_event_at)}."
    return Problem(404, "payment_not_found", "Payment not found", detail)
