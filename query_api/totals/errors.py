"""The problem of totals that are not there yet."""

from infra.http.problems import Problem


def totals_not_built() -> Problem:
    """Return the 503 of a projection that has not been built yet: after an upgrade."""
    detail = "The totals are not built yet. An operator builds them: paystream projections rebuild payment_totals."
    return Problem(503, "totals_not_built", "The totals are not built yet", detail, {"Retry-After": "60"})
