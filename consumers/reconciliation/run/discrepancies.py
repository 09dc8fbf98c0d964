"""Writes what a run finds: events, and the table of discrepancies as they stand, in one transaction each time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import orjson
from psycopg.rows import class_row

from consumers.reconciliation import metrics
from domain.reconciliation.discrepancy import RECONCILIATION, DiscrepancyCommand, DiscrepancyState, Observe, Resolve
from domain.reconciliation.events import DiscrepancyOpened, DiscrepancyReopened
from domain.reconciliation.values import Difference, DifferenceKind, DiscrepancyStatus, Finding
from event_store.reconciliation import DecidedDiscrepancy, command_discrepancies, metadata
from event_store.streams import LoadedStream
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries
from schemas.envelope import EventMetadata

SQL = Queries.load(Path(__file__).with_name("discrepancies.sql"))

BATCH = 500
_AGREE = "Both books agree."
_FOREIGN = "It is of another system in the same account at Stripe: it has no metadata of ours."
_OTHER_DAY = "The counterpart is of another day."


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRef:
    """Which run writes."""

    run_id: UUID
    number: int
    date: date
    time_zone: str

    @property
    def correlation_id(self) -> str:
        """What marks all that is recorded because of the run, the facts of payments that it has read again too."""
        return f"{RECONCILIATION}-{self.run_id}-{self.number}"

    @property
    def metadata(self) -> EventMetadata:
        """What surrounds its events."""
        return metadata(correlation_id=self.correlation_id, actor=RECONCILIATION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """A discrepancy that is to be looked at again."""

    discrepancy_id: UUID
    run_id: UUID
    date: date
    kind: str
    source_id: str
    category: str
    was_at_stripe: bool
    """Whether Stripe had a row of it when it was seen last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What a run came to, over all its executions."""

    opened: int
    resolved: int
    backfilled: int


class Recorder:
    """Writes for one run."""

    def __init__(self, pool: Pool, run: RunRef) -> None:
        self._pool = pool
        self._run = run

    async def observe(self, findings: Sequence[Finding]) -> None:
        """Record what was found. What is known already is noted as seen; nothing is opened twice."""
        for at in range(0, len(findings), BATCH):
            batch = {each.difference.discrepancy_id: each for each in findings[at : at + BATCH]}
            await self._write({discrepancy_id: self._observed(finding) for discrepancy_id, finding in batch.items()})

    async def resolve_gone(self, since: datetime) -> int:
        """Resolve what was open of this day and was not found since a moment; return how many."""
        resolved = 0
        day, zone = self._run.date, self._run.time_zone
        of_the_day = {"date": day, "time_zone": zone, "since": since, "limit": BATCH}
        while True:
            async with self._pool.connection() as conn:
                cursor = await conn.execute(SQL.find_gone, of_the_day)
                gone = [row[0] for row in await cursor.fetchall()]
            if not gone:
                return resolved
            await self.resolve(dict.fromkeys(gone, _AGREE))
            resolved += len(gone)

    async def resolve(self, reasons: Mapping[UUID, str]) -> None:
        """Resolve discrepancies that are gone, and say why."""
        await self._write(
            {
                discrepancy_id: Resolve(
                    actor=RECONCILIATION, reason=reason, run_id=self._run.run_id, number=self._run.number
                )
                for discrepancy_id, reason in reasons.items()
            }
        )

    async def resolve_foreign(self, discrepancy_ids: Sequence[UUID]) -> None:
        """Resolve those that were found before it was known that they are of another system's payments."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(SQL.find_known, {"discrepancy_ids": list(discrepancy_ids)})
            known = [row[0] for row in await cursor.fetchall()]
        await self.resolve(dict.fromkeys(known, _FOREIGN))

    async def unresolved_of_other_days(self, *, since: datetime, limit: int) -> list[Unresolved]:
        """Return discrepancies that this run has not seen, those first that were looked at longest ago."""
        async with self._pool.connection() as conn, conn.cursor(row_factory=class_row(Unresolved)) as cursor:
            await cursor.execute(SQL.find_unresolved, {"since": since, "limit": limit})
            return await cursor.fetchall()

    async def leave(self, discrepancy_id: UUID) -> None:
        """Note that a discrepancy was looked for and not seen: it stays as it is, and others come first next time."""
        async with self._pool.connection() as conn:
            await conn.execute(SQL.mark_seen, {"discrepancy_id": discrepancy_id})

    async def counts(self) -> Counts:
        """Return what the run came to so far."""
        async with self._pool.connection() as conn, conn.cursor(row_factory=class_row(Counts)) as cursor:
            await cursor.execute(SQL.count_run, {"run_id": self._run.run_id, "number": self._run.number})
            found = await cursor.fetchone()
        assert found is not None
        return found

    def _observed(self, finding: Finding) -> Observe:
        return Observe(
            run_id=self._run.run_id,
            number=self._run.number,
            difference=finding.difference,
            resolve_reason=_OTHER_DAY if finding.resolves_at_once else None,
        )

    async def _write(self, commands: Mapping[UUID, DiscrepancyCommand]) -> None:
        if not commands:
            return
        async with self._pool.connection() as conn, conn.transaction():
            decided = await command_discrepancies(conn, commands, self._run.metadata)
            await write_rows(conn, decided, resolved_by=self._run)
        opened = Counter(_opened(each) for each in decided.values())
        for kind, times in opened.items():
            if kind is not None:
                metrics.DISCREPANCIES.labels(kind.value).inc(times)


async def write_rows(
    conn: Connection,
    discrepancies: Mapping[UUID, DecidedDiscrepancy | LoadedStream[DiscrepancyState]],
    *,
    resolved_by: RunRef | None = None,
) -> None:
    """Bring the table to what the streams say now, in the caller's transaction; `resolved_by`: the run that looked."""
    in_order = [each for _, each in sorted(discrepancies.items())]
    rows = [_row(each.state, each.version, resolved_by) for each in in_order if each.state is not None]
    await conn.execute(SQL.write_rows, {"rows": orjson.dumps(rows).decode()})


def _opened(decided: DecidedDiscrepancy) -> DifferenceKind | None:
    """Return the kind of what was opened and is not resolved at once."""
    if not decided.events or not isinstance(decided.events[-1], DiscrepancyOpened | DiscrepancyReopened):
        return None
    return decided.events[-1].difference.kind


def _row(state: DiscrepancyState, version: int, run: RunRef | None) -> dict[str, object]:
    difference = state.difference
    by_run = run if run is not None and state.status is DiscrepancyStatus.RESOLVED else None
    return {
        "discrepancy_id": state.discrepancy_id,
        "version": version,
        "run_id": state.run_id,
        "number": state.number,
        "date": difference.date,
        "kind": difference.kind.value,
        "source_id": difference.source_id,
        "category": difference.category,
        "status": state.status.value,
        "payment_id": difference.payment_id,
        **_entry("stripe", difference),
        **_entry("ledger", difference),
        "actor": state.actor,
        "reason": state.reason,
        "resolved_run_id": by_run.run_id if by_run else None,
        "resolved_number": by_run.number if by_run else None,
    }


def _entry(book: str, difference: Difference) -> dict[str, object]:
    entry = difference.stripe if book == "stripe" else difference.ledger
    return {
        f"{book}_amount": entry.amount if entry else None,
        f"{book}_currency": entry.currency if entry else None,
        f"{book}_fee": entry.fee if entry else None,
    }


def is_still_there(unresolved: Unresolved, findings: Sequence[Finding]) -> bool:
    """Whether a discrepancy is among what was found."""
    return unresolved.discrepancy_id in {each.difference.discrepancy_id for each in findings}
