"""The problems of payouts."""

from infra.http.problems import Problem


def payout_not_found() -> Problem:
    """Return the 404 of a payout that is not known."""
    return Problem(404, "payout_not_found", "Payout not found", "There is no such payout.")
