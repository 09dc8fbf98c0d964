"""Looks up at Stripe what one side lacks, and checks again what earlier runs left unresolved.

Rows of other systems' payments are told apart here, and what the ledger lacks is backfilled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.reconciliation.plan import RunProgress, RunRules
from consumers.reconciliation.run.backfill import (
    UnmatchedRow,
    can_be_backfilled,
    is_foreign,
    is_of_charge,
    is_of_payment,
    lacks_stripes_row,
    record_rows,
    refresh_payments,
)
from consumers.reconciliation.run.comparison import Comparison
from consumers.reconciliation.run.movements import movements_of
from consumers.reconciliation.run.recorder import BOTH_AGREE, DiscrepancyRecorder
from consumers.reconciliation.run.staging import Staging
from consumers.reconciliation.run_ref import RunRef
from consumers.reconciliation.statement.statement import Owner, StripeStatement
from domain.ids import PayoutId
from domain.reconciliation.classify import classify, classify_payout
from domain.reconciliation.merge import Candidate
from domain.reconciliation.rows import ForeignRow, StripeRow
from domain.reconciliation.values import PAYOUT_ITEMS, Difference, Finding
from domain.reconciliation.window import Window
from infra.postgres.pool import Pool


@dataclass(kw_only=True)
class _Gaps:
    """What the ledger or the log lacks, and a backfill may bring."""

    unmatched: list[UnmatchedRow] = field(default_factory=list)
    unrecorded: list[Difference] = field(default_factory=list)

    def add(self, findings: Sequence[Finding], owner: Owner | None) -> None:
        """Add what is missing of one source."""
        for difference in (each.difference for each in findings):
            if owner is not None and can_be_backfilled(difference):
                self.unmatched.append(UnmatchedRow(discrepancy_id=difference.discrepancy_id, owner=owner))
            if lacks_stripes_row(difference):
                self.unrecorded.append(difference)


class Lookups:
    """The look-ups of one run."""

    def __init__(  # noqa: PLR0917 - the parts of a run
        self,
        pool: Pool,
        statement: StripeStatement,
        rules: RunRules,
        run: RunRef,
        recorder: DiscrepancyRecorder,
        progress: RunProgress,
    ) -> None:
        self._pool = pool
        self._statement = statement
        self._rules = rules
        self._run = run
        self._recorder = recorder
        self._progress = progress

    async def look_up_candidates(self, compared: Comparison, window: Window) -> None:
        """Classify the candidates of a comparison with all rows that Stripe has of them."""
        gaps = _Gaps(unrecorded=list(compared.unrecorded))
        for done, candidate in enumerate(compared.candidates):
            self._progress("looking", done, len(compared.candidates))
            findings = await self._classify_again(candidate, window)
            owner = await self._owner_of(findings)
            if owner is not None and await is_foreign(self._pool, owner):
                findings = await self._without_foreign(candidate, findings, compared, window)
            elif owner is not None and any(is_of_charge(each.difference) for each in findings):
                findings = await self._classify_whole(candidate, window)  # it may have failed on another day
            compared.found.update(each.difference.kind.value for each in findings)
            await self._recorder.observe(findings)
            gaps.add(findings, owner)
        await self._backfill(gaps)

    async def check_unresolved(self, staged: Staging, *, now: int) -> None:
        """Check unresolved discrepancies that the run has not seen: resolve those that are gone, and backfill again."""
        gaps = _Gaps()
        unresolved = await self._recorder.find_unresolved(since=staged.begun_at, limit=self._rules.lookups)
        for done, (discrepancy_id, difference) in enumerate(unresolved.items()):
            self._progress("looking", done, len(unresolved))
            findings = await self._findings_of(difference, now=now)
            if findings is None:
                await self._recorder.leave(discrepancy_id)
                continue
            owner = await self._owner_of(findings)
            if owner is not None and await is_foreign(self._pool, owner):
                await self._recorder.resolve_foreign([discrepancy_id])
                continue
            await self._recorder.observe(findings)
            if discrepancy_id not in {finding.difference.discrepancy_id for finding in findings}:
                kinds = ", ".join(sorted({finding.difference.kind.value for finding in findings}))
                reason = f"It is another difference now: {kinds}." if kinds else BOTH_AGREE
                await self._recorder.resolve({discrepancy_id: reason})
            gaps.add(findings, owner)
        await self._backfill(gaps)

    async def _backfill(self, gaps: _Gaps) -> None:
        if gaps.unmatched:
            await refresh_payments(self._pool, self._run, gaps.unmatched)
        if gaps.unrecorded:
            await record_rows(self._pool, self._statement, self._run, gaps.unrecorded)

    async def _classify_again(self, candidate: Candidate, window: Window) -> Sequence[Finding]:
        if not any(each.difference.may_have_more_stripe_rows for each in candidate.findings):
            return candidate.findings
        return await self._classify_whole(candidate, window)

    async def _classify_whole(self, candidate: Candidate, window: Window) -> Sequence[Finding]:
        rows = {row.transaction_id: row for row in candidate.stripe}
        rows |= {row.transaction_id: row for row in await self._statement.rows_of(candidate.source_id)}
        return classify(rows.values(), candidate.ledger, window)

    async def _owner_of(self, findings: Sequence[Finding]) -> Owner | None:
        """Return the owner of a payment of which the ledger lacks a row; None when it lacks none."""
        of_payments = [each.difference for each in findings if is_of_payment(each.difference)]
        return await self._statement.owner_of(of_payments[0].source_id) if of_payments else None

    async def _without_foreign(
        self, candidate: Candidate, findings: Sequence[Finding], compared: Comparison, window: Window
    ) -> Sequence[Finding]:
        """Count the rows of another system's payment separately, and return the other findings."""
        foreign = [each.difference for each in findings if is_of_payment(each.difference)]
        categories = {each.category for each in foreign}
        compared.foreign += (
            ForeignRow(row.currency, row.amount, row.fee)
            for row in candidate.stripe
            if row.category in categories and window.holds(row.created)
        )
        await self._recorder.resolve_foreign([each.discrepancy_id for each in foreign])
        return [each for each in findings if not is_of_payment(each.difference)]

    async def _findings_of(self, known: Difference, *, now: int) -> list[Finding] | None:
        """Return what differs now in the source of a difference, on any day; None: Stripe does not show its rows.

        Stripe never removes a row. When it had one, and now returns another or none, the query has failed to find it.
        """
        window = Window.of_any_day(date=known.date, time_zone=self._run.time_zone, cutoff=self._rules.cutoff_s, now=now)
        if known.category == PAYOUT_ITEMS:
            payout = await self._statement.payout(PayoutId(known.source_id))
            if payout is None:
                return None
            found = classify_payout(payout, window)
            return [] if found is None else [found]
        rows: Sequence[StripeRow] = await self._statement.rows_of(known.source_id)
        shown = {row.transaction_id for row in rows if row.category == known.category}
        if not known.rows_at_stripe <= shown or (known.stripe is not None and not shown):
            return None
        async with self._pool.connection() as conn:
            movements = await movements_of(conn, [known.source_id])
        findings = classify(rows, movements[known.source_id], window)
        return [each for each in findings if each.difference.category == known.category]
