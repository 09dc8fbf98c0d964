"""Why something cannot be done about a webhook endpoint, as problems."""

from datetime import datetime

from infra.http.problems import Problem
from schemas.http.times import timestamp


def endpoint_not_found() -> Problem:
    """There is none, or it is another merchant's: the two must look alike."""
    return Problem(404, "webhook_endpoint_not_found", "No such webhook endpoint", "There is no such webhook endpoint.")


def delivery_not_found() -> Problem:
    """There is none at this endpoint."""
    return Problem(404, "webhook_delivery_not_found", "No such delivery", "There is no such delivery.")


def endpoint_exists() -> Problem:
    """Refuse a repeated request, whose secret was in the answer that was lost; or a mistake."""
    detail = "The merchant has an endpoint with this URL. If its secret is lost, rotate it."
    return Problem(409, "webhook_endpoint_exists", "There is an endpoint with this URL", detail)


def too_many_endpoints(most: int) -> Problem:
    """Each endpoint gets a request for every event."""
    return Problem(409, "too_many_webhook_endpoints", "No more endpoints", f"A merchant may have {most} of them.")


def too_many_secrets(most: int, first_ends_at: datetime) -> Problem:
    """Refuse what would take the place of a secret in use."""
    detail = (
        f"{most} secrets sign, the first of them until {timestamp(first_ends_at)}. Nothing was changed. Rotate then, "
        "or now with `overlap_seconds` 0, which ends the newest, or with `end_previous_secrets`, which ends all others."
    )
    return Problem(409, "too_many_webhook_secrets", "Too many secrets sign", detail)


def endpoint_disabled() -> Problem:
    """Nothing is sent to it."""
    detail = "Nothing is sent to an endpoint that is disabled. Enable it first."
    return Problem(409, "webhook_endpoint_disabled", "The endpoint is disabled", detail)


def replay_under_way() -> Problem:
    """Refuse a second one: each reads the log."""
    return Problem(
        409, "webhook_replay_under_way", "A replay of the endpoint is under way", headers={"Retry-After": "30"}
    )


def delivery_in_flight() -> Problem:
    """Refuse while it is being made."""
    return Problem(
        409, "webhook_delivery_in_flight", "The delivery is being made at this moment", headers={"Retry-After": "5"}
    )
