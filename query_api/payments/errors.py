"""The problems of payments."""

from infra.http.problems import Problem


def payment_not_found() -> Problem:
    """Return the 404 of a payment that is not there, or is another merchant's: the two must look the same."""
    return Problem(404, "payment_not_found", "Payment not found")
