"""What follows from an attempt, purely."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.webhooks_out.transport import Answer

_GONE = 410
_JITTER = 0.1
_LONGEST_RETRY_AFTER_S = 3600.0


class DeliveryStatus(StrEnum):
    """How a delivery goes on after an attempt, as it is in the table."""

    DUE = "due"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptOutcome:
    """How a delivery goes on. `is_gone`: the endpoint wants nothing any more."""

    status: DeliveryStatus
    delay_s: float = 0.0
    is_gone: bool = False


def outcome_of(
    answer: Answer,
    *,
    attempts: int,
    pauses_s: Sequence[float],
    uniform: Callable[[float, float], float] = random.uniform,
) -> AttemptOutcome:
    """Decide after attempt number `attempts`, which counts from 1; `pauses_s` are those before further attempts.

    Pauses get shorter at random, so that what failed together does not return together and all ends within their sum.
    An endpoint may ask for a longer one (Retry-After), of up to an hour.
    """
    if answer.is_delivered:
        return AttemptOutcome(status=DeliveryStatus.DELIVERED)
    is_gone = answer.status == _GONE
    if is_gone or attempts > len(pauses_s):
        return AttemptOutcome(status=DeliveryStatus.FAILED, is_gone=is_gone)
    pause_s = pauses_s[attempts - 1] * uniform(1 - _JITTER, 1.0)
    longer_s = min(answer.retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S)
    return AttemptOutcome(status=DeliveryStatus.DUE, delay_s=max(pause_s, longer_s))
