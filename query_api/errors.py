"""The problems of the read side."""

from uuid import UUID

from infra.http.problems import Problem


def payment_not_found() -> Problem:
    """Return the 404 of a payment that is not there, or is another merchant's: the two must look the same."""
    return Problem(404, "payment_not_found", "Payment not found")


def invalid_cursor() -> Problem:
    """Return the 400 of a cursor that no page gave."""
    detail = "The cursor is not one that this API gave for this list."
    return Problem(400, "invalid_cursor", "Invalid cursor", detail)


def query_timeout() -> Problem:
    """Return the 503 of a query that the database was too busy, or the filters too wide, to answer in time."""
    detail = "The database did not answer in time. Narrow the filters or ask again."
    return Problem(503, "query_timeout", "The query took too long", detail, {"Retry-After": "1"})


def parse_payment_id(text: str) -> UUID:
    """Return the payment id of a path. Raises the 404: what is no id names no payment."""
    try:
        payment_id = UUID(text)
    except ValueError:
        raise payment_not_found() from None
    if str(payment_id) != text.lower():  # braces, a urn or missing hyphens: one payment has one address
        raise payment_not_found()
    return payment_id
