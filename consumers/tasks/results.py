"""How a claimed task ends or goes on: one `TaskResult`, from what Stripe said to the row."""

from dataclasses import dataclass

from consumers.tasks.models import TaskStatus
from domain.payment.observations import PaymentObservation


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResult:
    """What is recorded of the payment, and how the task is put back.

    Unless it is done or dead, it can be claimed again `delay_s` from now. `deferred`: the attempt does not count, as
    Stripe was not called.
    """

    status: TaskStatus
    observations: tuple[PaymentObservation, ...] = ()
    delay_s: float = 0.0
    error: str | None = None
    deferred: bool = False

    @classmethod
    def done(cls, observations: tuple[PaymentObservation, ...] = ()) -> "TaskResult":
        """Return that the task is done; what is new in these observations is recorded."""
        return cls(status=TaskStatus.DONE, observations=observations)

    @classmethod
    def retry(cls, *, delay_s: float, error: str) -> "TaskResult":
        """Return that the same call is sent again, with the same key."""
        return cls(status=TaskStatus.DUE, delay_s=delay_s, error=error)

    @classmethod
    def defer(cls, *, delay_s: float, error: str) -> "TaskResult":
        """Return that nothing was sent: as if it had not been tried."""
        return cls(status=TaskStatus.DUE, delay_s=delay_s, error=error, deferred=True)

    @classmethod
    def watch(cls, *, delay_s: float) -> "TaskResult":
        """Return that Stripe does not show the payment, and that it is looked for again: it may appear."""
        return cls(status=TaskStatus.DUE, delay_s=delay_s)

    @classmethod
    def outcome_unknown(cls, *, delay_s: float, error: str) -> "TaskResult":
        """Return that the call is never sent again, and that Stripe is asked what became of it."""
        return cls(status=TaskStatus.UNKNOWN, delay_s=delay_s, error=error)

    @classmethod
    def dead(cls, error: str) -> "TaskResult":
        """Return that a person has to look."""
        return cls(status=TaskStatus.DEAD, error=error)
