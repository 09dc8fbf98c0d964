"""The problems that any read may have."""

from infra.http.problems import Problem


def invalid_cursor() -> Problem:
    """Return the 400 of a cursor that no page gave."""
    detail = "The cursor is not one that this API gave for this list."
    return Problem(400, "invalid_cursor", "Invalid cursor", detail)


def query_timeout() -> Problem:
    """Return the 503 of a query that the database was too busy, or the filters too wide, to answer in time."""
    detail = "The database did not answer in time. Narrow the filters or ask again."
    return Problem(503, "query_timeout", "The query took too long", detail, {"Retry-After": "1"})


def projection_not_built(projection: str) -> Problem:
    """Return the 503 of a projection that has not been built yet: after an upgrade."""
    detail = f"This is not built yet. An operator builds it: paystream projections rebuild {projection}."
    return Problem(503, "projection_not_built", "Not built yet", detail, {"Retry-After": "60"})
