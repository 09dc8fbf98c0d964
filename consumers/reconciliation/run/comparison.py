"""Compares Stripe's staged rows with the ledger: both are read once, sorted, by two cursors of one snapshot.

What one book lacks is looked for in the ledger at once, whatever its day. Nobody calls Stripe here.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from psycopg import AsyncServerCursor

from consumers.reconciliation.run import ledger
from consumers.reconciliation.run import staging as staged
from consumers.reconciliation.run.backfill import lacks_stripes_row
from consumers.reconciliation.run.staging import Staging
from domain.reconciliation.classify import classify
from domain.reconciliation.merge import Candidate, MergeJoin, Side
from domain.reconciliation.rows import ForeignRow, Movement, StripeRow
from domain.reconciliation.values import CurrencyTotals, Difference, Finding
from domain.reconciliation.window import Window
from infra.postgres.pool import Connection, Pool

_ROWS = 5_000  # of one fetch
_FINDINGS = 500
Observe = Callable[[Sequence[Finding]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What of the ledger is compared. Its categories `without` are not in Stripe's rows."""

    window: Window
    without: tuple[str, ...] = ()
    staged_sources_only: bool = False
    """Stripe's rows are no whole day: nothing follows from what they lack."""

    def believes(self, finding: Finding) -> bool:
        """Whether a finding follows from what Stripe's rows are."""
        difference = finding.difference
        if difference.stripe is not None or difference.ledger is None:
            return True
        # Near the window's edge, Stripe's row may be just outside.
        return self.window.holds_well(difference.ledger.at) and not self.staged_sources_only


@dataclass(kw_only=True)
class Comparison:
    """What came of it. `doubtful` are sources of which a book lacks a row, to be looked up at Stripe.

    `unrecorded` are differences for want of a row of Stripe's in the log, `foreign` rows of another system's payments.
    """

    totals: tuple[CurrencyTotals, ...] = ()
    rows: int = 0
    found: Counter[str] = field(default_factory=Counter)
    doubtful: list[Candidate] = field(default_factory=list)
    unrecorded: list[Difference] = field(default_factory=list)
    foreign: list[ForeignRow] = field(default_factory=list)


class Comparer:
    """Runs one comparison. At most `doubts` sources are kept as doubtful; of the others what is known is believed.

    Nor are more kept as unrecorded.
    """

    def __init__(
        self,
        pool: Pool,
        staging: Staging,
        scope: Scope,
        *,
        doubts: int,
        observe: Observe,
        heartbeat: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._staging = staging
        self._scope = scope
        self._doubts = doubts
        self._observe = observe
        self._heartbeat = heartbeat
        self._result = Comparison()
        self._findings: list[Finding] = []
        self._lacking: list[Candidate] = []

    async def run(self) -> Comparison:
        """Compare both books to their end. Raises RowsLost or RowsNotSorted."""
        join = MergeJoin(self._scope.window)
        async with self._pool.connection() as conn, conn.transaction():
            for query in (staged.SQL.one_snapshot, staged.SQL.may_pause, staged.SQL.read_all):
                await conn.execute(query)
            await self._staging.check(conn)
            async with (
                conn.cursor(name="stripe_rows", row_factory=lambda _: StripeRow._make) as stripe,
                conn.cursor(name="ledger_movements", row_factory=lambda _: Movement._make) as movements,
            ):
                await stripe.execute(staged.SQL.sorted_rows, {"staging_id": self._staging.staging_id})
                await self._select_movements(movements)
                cursors: dict[Side, AsyncServerCursor[Any]] = {Side.STRIPE: stripe, Side.LEDGER: movements}
                while (side := join.next_side) is not None:
                    join.push(side, await cursors[side].fetchmany(_ROWS))
                    for candidate in join.candidates():
                        await self._take(conn, candidate)
                    self._heartbeat(join.rows)
            await self._look_up(conn)
        await self.flush()
        self._result.totals, self._result.rows = join.totals, join.rows
        return self._result

    async def believe(self, findings: Sequence[Finding]) -> None:
        """Count findings, and record them when there are enough."""
        believed = [each for each in findings if self._scope.believes(each)]
        self._result.found.update(each.difference.kind.value for each in believed)
        self._findings += believed
        room = self._doubts - len(self._result.unrecorded)
        if room > 0:
            lacking = (each.difference for each in believed if lacks_stripes_row(each.difference))
            self._result.unrecorded += islice(lacking, room)
        if len(self._findings) >= _FINDINGS:
            await self.flush()

    async def flush(self) -> None:
        """Record what was found so far."""
        findings, self._findings = self._findings, []
        if findings:
            await self._observe(findings)

    async def _select_movements(self, cursor: AsyncServerCursor[Any]) -> None:
        window = self._scope.window
        if self._scope.staged_sources_only:
            await cursor.execute(ledger.SQL.movements_of_staged, {"staging_id": self._staging.staging_id})
        else:
            between = {"first": window.first, "last": window.last, "without": list(self._scope.without)}
            await cursor.execute(ledger.SQL.movements_between, between)

    async def _take(self, conn: Connection, candidate: Candidate) -> None:
        if not candidate.lacks_a_row:
            await self.believe(candidate.findings)
            return
        self._lacking.append(candidate)
        if len(self._lacking) >= _FINDINGS:
            await self._look_up(conn)

    async def _look_up(self, conn: Connection) -> None:
        """Judge sources of which a book lacks a row with all that the ledger ever had of them."""
        lacking, self._lacking = self._lacking, []
        if not lacking:
            return
        movements = await ledger.movements_of(conn, [candidate.source_id for candidate in lacking])
        for candidate in lacking:
            ours = tuple(each for each in movements[candidate.source_id] if each.category not in self._scope.without)
            findings = classify(candidate.stripe, ours, self._scope.window)
            if not any(each.difference.is_half_known for each in findings):
                await self.believe(findings)
            elif len(self._result.doubtful) < self._doubts:
                self._result.doubtful.append(
                    Candidate(
                        source_id=candidate.source_id, findings=tuple(findings), stripe=candidate.stripe, ledger=ours
                    )
                )
            else:
                await self.believe(findings)
