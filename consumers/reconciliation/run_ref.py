"""Which run records something."""

from dataclasses import dataclass
from datetime import date

from domain.ids import RunId
from domain.reconciliation.discrepancy import RECONCILIATION
from domain.reconciliation.run import RunState
from event_store.reconciliation import metadata
from schemas.envelope import EventMetadata


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRef:
    """A run of a day, by its number."""

    run_id: RunId
    number: int
    date: date
    time_zone: str

    @classmethod
    def of(cls, state: RunState) -> "RunRef":
        """Return the reference to a run."""
        return cls(run_id=state.run_id, number=state.number, date=state.date, time_zone=state.time_zone)

    @property
    def correlation_id(self) -> str:
        """The correlation id of all that is recorded because of the run, also by the gateway."""
        return f"{RECONCILIATION}-{self.run_id}-{self.number}"

    @property
    def metadata(self) -> EventMetadata:
        """The metadata of its events."""
        return metadata(correlation_id=self.correlation_id, actor=RECONCILIATION)
