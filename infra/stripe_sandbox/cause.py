"""Whose doing a change is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The account, and the request that asked for the change; without one it came about by itself."""

    account: str
    request_id: str | None = None
    idempotency_key: str | None = None
