"""Where a saga stands, in the words that all sagas share."""

from enum import StrEnum


class SagaStatus(StrEnum):
    """Where a saga stands; ``ENDED`` are the ends, and all others are on their way."""

    RUNNING = "running"
    """It may wait for people."""
    COMMITTING = "committing"
    """All that it needs is secured, and is being carried through: nobody but machines has to act."""
    COMPENSATING = "compensating"
    COMPENSATION_STUCK = "compensation_stuck"
    """A person was called. Compensations are still tried, seldom."""
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    """All that was done is taken back."""
    GIVEN_UP = "given_up"
    """A person ended it; what was not taken back stands."""


ENDED = frozenset({SagaStatus.COMPLETED, SagaStatus.COMPENSATED, SagaStatus.GIVEN_UP})
"""Nobody has to do anything."""
