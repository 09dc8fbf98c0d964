"""What a worker works on."""

from dataclasses import dataclass

from consumers.tasks.models import Task
from event_store.payments import LoadedPayment

_FAILED = "payment.failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A claimed task with its payment as it was then.

    `lease_ends_at` is in Unix seconds: a clock that goes on while the machine sleeps. `unreadable` is the reason why
    the payment's events cannot be read, if so.
    """

    task: Task
    payment: LoadedPayment
    lease_ends_at: float
    unreadable: str | None = None

    @property
    def requested_at(self) -> float:
        """When the payment was requested, in Unix seconds."""
        return self.payment.events[0].recorded_at.timestamp()

    @property
    def failed_at(self) -> float:
        """When the payment failed, in Unix seconds; when it was requested, if it did not."""
        failed = (each for each in reversed(self.payment.events) if each.type == _FAILED)
        return next(failed, self.payment.events[0]).recorded_at.timestamp()
