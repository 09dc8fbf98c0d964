"""The problems of split payments."""

from infra.http.problems import Problem


def split_payment_not_found() -> Problem:
    """Return the 404 of a split payment that is not there, or is another merchant's."""
    return Problem(404, "split_payment_not_found", "Split payment not found", "There is no such split payment.")
