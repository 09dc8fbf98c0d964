"""Records what a run finds: events, and the rows of the discrepancies, in one transaction each time."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from consumers.reconciliation import metrics
from consumers.reconciliation.discrepancies import SQL, find_shown, load_differences, write_rows
from consumers.reconciliation.run.staging import Staging
from consumers.reconciliation.run_ref import RunRef
from domain.ids import DiscrepancyId, PayoutId
from domain.reconciliation.discrepancy import RECONCILIATION, DiscrepancyCommand, Observe, Resolve
from domain.reconciliation.events import DiscrepancyOpened, DiscrepancyReopened
from domain.reconciliation.values import PAYOUT_ITEMS, Difference, DifferenceKind, Finding
from domain.reconciliation.window import Window
from event_store.reconciliation import DecidedDiscrepancy, command_discrepancies
from infra.postgres.pool import Pool

BATCH = 500
BOTH_AGREE = "Both sides agree."
_FOREIGN = "It is of another system in the same account at Stripe: it has no metadata of ours."
_OTHER_DAY = "The counterpart is of another day."


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much a run has done, over all its executions."""

    opened: int
    resolved: int
    backfilled: int


class DiscrepancyRecorder:
    """Records the discrepancies of one run."""

    def __init__(self, pool: Pool, run: RunRef) -> None:
        self._pool = pool
        self._run = run

    async def observe(self, findings: Sequence[Finding]) -> None:
        """Record findings. A known discrepancy is marked as seen; nothing is opened twice."""
        for at in range(0, len(findings), BATCH):
            batch = {each.difference.discrepancy_id: each for each in findings[at : at + BATCH]}
            await self._write({discrepancy_id: self._observed(finding) for discrepancy_id, finding in batch.items()})

    async def resolve_gone(self, staged: Staging, window: Window, payouts: Collection[PayoutId]) -> None:
        """Resolve the discrepancies of this day that were not found again though Stripe shows what they are of.

        `payouts` are those that were compared. Whether what Stripe does not show is gone, only a look-up tells.
        """
        day, zone = self._run.date, self._run.time_zone
        of_the_day = {"date": day, "time_zone": zone, "since": staged.begun_at, "limit": BATCH}
        after = DiscrepancyId(UUID(int=0))
        while True:
            async with self._pool.connection() as conn:
                cursor = await conn.execute(SQL.find_unseen_of_day, {**of_the_day, "after": after})
                unseen = [DiscrepancyId(row[0]) for row in await cursor.fetchall()]
                if not unseen:
                    return
                differences = await load_differences(conn, unseen)
                gone = await find_shown(conn, differences, staged.staging_id, window)
            of_payouts = {each for each, it in differences.items() if it.category == PAYOUT_ITEMS}
            gone += [each for each in of_payouts if PayoutId(differences[each].source_id) in payouts]
            await self.resolve(dict.fromkeys(gone, BOTH_AGREE))
            after = unseen[-1]

    async def resolve(self, reasons: Mapping[DiscrepancyId, str]) -> None:
        """Resolve discrepancies, each with a reason."""
        await self._write(
            {
                discrepancy_id: Resolve(
                    actor=RECONCILIATION, reason=reason, run_id=self._run.run_id, number=self._run.number
                )
                for discrepancy_id, reason in reasons.items()
            }
        )

    async def resolve_foreign(self, discrepancy_ids: Sequence[DiscrepancyId]) -> None:
        """Resolve those that turned out to be of another system's payments."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(SQL.find_known, {"discrepancy_ids": list(discrepancy_ids)})
            known = [row[0] for row in await cursor.fetchall()]
        await self.resolve(dict.fromkeys(known, _FOREIGN))

    async def find_unresolved(self, *, since: datetime, limit: int) -> dict[DiscrepancyId, Difference]:
        """Return unresolved discrepancies that this run has not seen, the least recently checked first."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(SQL.find_unresolved, {"since": since, "limit": limit})
            return await load_differences(conn, [DiscrepancyId(row[0]) for row in await cursor.fetchall()])

    async def leave(self, discrepancy_id: DiscrepancyId) -> None:
        """Leave a discrepancy that could not be checked as it is; others are checked first next time."""
        async with self._pool.connection() as conn:
            await conn.execute(SQL.mark_seen, {"discrepancy_id": discrepancy_id})

    async def counts(self) -> Counts:
        """Return how much the run has done so far."""
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

    async def _write(self, commands: Mapping[DiscrepancyId, DiscrepancyCommand]) -> None:
        if not commands:
            return
        async with self._pool.connection() as conn, conn.transaction():
            decided = await command_discrepancies(conn, commands, self._run.metadata)
            await write_rows(conn, decided, resolved_by=self._run)
        opened = Counter(_opened(each) for each in decided.values())
        for kind, count in opened.items():
            if kind is not None:
                metrics.DISCREPANCIES.labels(kind.value).inc(count)


def _opened(decided: DecidedDiscrepancy) -> DifferenceKind | None:
    """Return the kind of a discrepancy that was opened and not resolved at once."""
    if not decided.events or not isinstance(decided.events[-1], DiscrepancyOpened | DiscrepancyReopened):
        return None
    return decided.events[-1].difference.kind
