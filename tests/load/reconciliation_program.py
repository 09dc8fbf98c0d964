"""The process that the load test measures: a reconciliation against a generated statement."""

import resource
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from consumers.reconciliation.plan import RunRules
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.statement.statement import Owner
from domain.ids import BalanceSourceId, BalanceTransactionId, RunId
from domain.reconciliation.rows import PayoutSum, StripeRow
from infra.postgres.pool import create_pool
from tests.integration.consumers.reconciliation.reconciliation_run import CUTOFF_S, LATER, WINDOW

_PAGE = 100  # as Stripe's
_CURRENCIES = ("USD", "JPY", "KWD")


@dataclass
class GeneratedStatement:
    """Stripe's statement, newest first, made as they are asked for. Each hundred thousandth row has a wrong amount."""

    count: int

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:  # noqa: ARG002
        for end in range(self.count, 0, -_PAGE):
            yield [self._row(number) for number in range(end - 1, max(end - _PAGE, 0) - 1, -1)]

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:  # noqa: ARG002
        return
        yield

    async def rows_of(self, source_id: str) -> Sequence[StripeRow]:  # noqa: ARG002
        return []

    async def transaction(self, transaction_id: str) -> None:  # noqa: ARG002
        return None

    async def payout(self, payout_id: str) -> PayoutSum | None:  # noqa: ARG002
        return None

    async def owner_of(self, source_id: str) -> Owner | None:  # noqa: ARG002
        return None

    def _row(self, number: int) -> StripeRow:
        wrong = number % 100_000 == 0
        return StripeRow(
            source_id=BalanceSourceId(f"ch_{number:010d}"),
            category="charge",
            transaction_id=BalanceTransactionId(f"txn_{number:010d}"),
            amount=1000 + number % 9000 + wrong,
            fee=59,
            currency=_CURRENCIES[number % 3],
            created=WINDOW.start + number % 86_000,
        )


async def run(url: str, run_id: str, count: str) -> None:
    """Run it and print seconds and memory."""
    stages: dict[str, float] = {}

    def progress(stage: str, done: int, total: int | None = None) -> None:  # noqa: ARG001
        stages[stage] = time.monotonic()

    pool = create_pool(url, size=4, name="load")
    async with pool:
        rules = RunRules(cutoff_s=CUTOFF_S, ledger_wait_s=5, lookups=100, partitions=12)
        reconciler = Reconciler(pool, GeneratedStatement(count=int(count)), rules, direct_url=url, clock=lambda: LATER)
        base_mb, began = _peak_mb(), time.monotonic()
        await reconciler.run(RunId(uuid.UUID(run_id)), progress=progress)
        seconds = time.monotonic() - began
    ends = ",".join(f"{stage}:{moment - began:.1f}" for stage, moment in stages.items())
    print(f"seconds={seconds} peak_mb={_peak_mb()} base_mb={base_mb} stages={ends}")  # noqa: T201 - for its parent


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
