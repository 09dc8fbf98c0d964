"""What operators may do about a saga."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryCompensation:
    """Try what failed again at once, as an operator. ``now`` is in Unix seconds."""

    actor: str
    reason: str
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUpSaga:
    """End the saga as it is, as an operator: what was not taken back stands."""

    actor: str
    reason: str


OperatorCommand = RetryCompensation | GiveUpSaga
