"""The problems of reads for auditors."""

from infra.http.problems import Problem


def log_not_configured() -> Problem:
    """Return the 501 of a query API that was given no way to the log."""
    detail = "This is read from the log, and this query API has no AUDIT_DATABASE_URL."
    return Problem(501, "history_not_configured", "The log is not configured", detail)


def proofs_not_configured() -> Problem:
    """Return the 501 of a query API that does not know where the tiles of the log are."""
    detail = "This query API has neither PROOFS_FOLDER nor PROOFS_BUCKET: use paystream audit prove."
    return Problem(501, "proofs_not_configured", "Proofs are not configured", detail)


def subject_not_found() -> Problem:
    """Return the 404 of what is neither an event nor a stream."""
    return Problem(
        404, "not_found", "Not found", "There is no event and no stream of that id, and none at that position."
    )


def not_sealed(detail: str) -> Problem:
    """Return the 409 of what cannot be proved yet."""
    return Problem(409, "not_sealed", "Not sealed yet", detail, {"Retry-After": "5"})


def not_proved(detail: str) -> Problem:
    """Return the 409 of a log that is not as it was sealed: somebody has to look at it."""
    return Problem(409, "not_as_sealed", "It is not as it was sealed", detail)


def proofs_unreadable(detail: str) -> Problem:
    """Return the 503 of tiles that cannot be read now."""
    return Problem(503, "proofs_unavailable", "The proofs cannot be read", detail, {"Retry-After": "5"})


def broken_history(detail: str) -> Problem:
    """Return the 409 of events that make no sense together."""
    return Problem(409, "history_broken", "Its events make no sense", f"{detail} See: paystream audit invariants.")
