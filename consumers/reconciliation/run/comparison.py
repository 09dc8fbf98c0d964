"""Compares the staged rows of the statement with the ledger: one pass over both, sorted, by two cursors.

Both cursors are of one snapshot. Rows that one side lacks are looked for in the whole ledger, whatever their day.
Stripe is not called here.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from psycopg import AsyncServerCursor

from consumers.reconciliation.plan import Scope
from consumers.reconciliation.run import movements as ledger
from consumers.reconciliation.run import staging as staged
from consumers.reconciliation.run.backfill import lacks_stripes_row
from consumers.reconciliation.run.staging import Staging
from domain.reconciliation.classify import classify
from domain.reconciliation.merge import Candidate, MergeJoin, Side
from domain.reconciliation.rows import ForeignRow, Movement, StripeRow
from domain.reconciliation.values import CurrencyTotals, Difference, Finding
from infra.postgres.pool import Connection, Pool

_ROWS = 5_000  # of one fetch
_FINDINGS = 500
Observe = Callable[[Sequence[Finding]], Awaitable[None]]


@dataclass(kw_only=True)
class Comparison:
    """The result of a comparison, except for its findings, which are recorded while it runs."""

    totals: tuple[CurrencyTotals, ...] = ()
    rows: int = 0
    found: Counter[str] = field(default_factory=Counter)
    candidates: list[Candidate] = field(default_factory=list)
    """Sources of which one side lacks a row: they are to be looked up at Stripe."""
    unrecorded: list[Difference] = field(default_factory=list)
    """Differences that exist because the log lacks a balance transaction."""
    foreign: list[ForeignRow] = field(default_factory=list)
    """Rows of other systems' payments."""


class Comparer:
    """Runs one comparison. At most `lookups` candidates are kept; the findings of all others are accepted.

    The list of unrecorded rows has the same limit.
    """

    def __init__(
        self,
        pool: Pool,
        staging: Staging,
        scope: Scope,
        *,
        lookups: int,
        observe: Observe,
        heartbeat: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._staging = staging
        self._scope = scope
        self._lookups = lookups
        self._observe = observe
        self._heartbeat = heartbeat
        self._result = Comparison()
        self._findings: list[Finding] = []
        self._lacking: list[Candidate] = []

    async def run(self) -> Comparison:
        """Compare both sides to their end. Raises RowsLost or RowsNotSorted."""
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
                        await self._add(conn, candidate)
                    self._heartbeat(join.rows)
            await self._search_ledger(conn)
        await self.flush()
        self._result.totals, self._result.rows = join.totals, join.rows
        return self._result

    async def accept(self, findings: Sequence[Finding]) -> None:
        """Count findings, and record them when there are enough."""
        accepted = [each for each in findings if self._scope.supports(each)]
        self._result.found.update(each.difference.kind.value for each in accepted)
        self._findings += accepted
        unrecorded = (each.difference for each in accepted if lacks_stripes_row(each.difference))
        capacity = max(0, self._lookups - len(self._result.unrecorded))
        self._result.unrecorded += islice(unrecorded, capacity)
        if len(self._findings) >= _FINDINGS:
            await self.flush()

    async def flush(self) -> None:
        """Record the findings so far."""
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

    async def _add(self, conn: Connection, candidate: Candidate) -> None:
        if not candidate.lacks_a_row:
            await self.accept(candidate.findings)
            return
        self._lacking.append(candidate)
        if len(self._lacking) >= _FINDINGS:
            await self._search_ledger(conn)

    async def _search_ledger(self, conn: Connection) -> None:
        """Classify sources of which a side lacks a row with all movements that the ledger ever had of them."""
        lacking, self._lacking = self._lacking, []
        if not lacking:
            return
        movements = await ledger.movements_of(conn, [candidate.source_id for candidate in lacking])
        for candidate in lacking:
            ours = tuple(each for each in movements[candidate.source_id] if each.category not in self._scope.without)
            findings = classify(candidate.stripe, ours, self._scope.window)
            if not any(each.difference.is_incomplete for each in findings):
                await self.accept(findings)
            elif len(self._result.candidates) < self._lookups:
                self._result.candidates.append(
                    Candidate(
                        source_id=candidate.source_id, findings=tuple(findings), stripe=candidate.stripe, ledger=ours
                    )
                )
            else:
                await self.accept(findings)
