"""A process that runs a reconciliation and says `now` at the moment at which it is to be killed; then it waits."""

import asyncio
import sys
import uuid
from collections.abc import Sequence

from consumers.reconciliation.plan import RunRules
from consumers.reconciliation.run import reconciler
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.run.recorder import DiscrepancyRecorder
from consumers.reconciliation.statement.fakes import MemoryStatement
from domain.ids import RunId
from domain.reconciliation.rows import StripeRow
from domain.reconciliation.values import Finding
from infra.postgres.pool import create_pool
from tests.integration.consumers.reconciliation.reconciliation_run import CUTOFF_S, LATER


async def wait_for_the_kill() -> None:
    sys.stdout.write("now\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class HalfARecorder(DiscrepancyRecorder):
    """Records the half of what is found."""

    async def observe(self, findings: Sequence[Finding]) -> None:
        await super().observe(findings[::2])
        await wait_for_the_kill()


def read_rows() -> list[StripeRow]:
    rows = []
    for line in iter(sys.stdin.readline, "\n"):
        source, category, transaction, amount, fee, currency, created, rate = line.rstrip("\n").split("\t")
        rows.append(
            StripeRow(source, category, transaction, int(amount), int(fee), currency, int(created), rate or None)
        )
    return rows


async def run(url: str, run_id: str, at: str) -> None:
    statement = MemoryStatement(stripe=read_rows(), page=10)
    pages = 0

    async def before_page() -> None:
        nonlocal pages
        pages += 1
        if pages == 3:
            await wait_for_the_kill()

    if at == "reading":
        statement.before_page = before_page
    elif at == "recorded":
        setattr(reconciler, "DiscrepancyRecorder", HalfARecorder)  # noqa: B010 - it is not exported
    pool = create_pool(url, size=4, name="killed")
    await pool.open()
    rules = RunRules(cutoff_s=CUTOFF_S, ledger_wait_s=5, lookups=100, partitions=12)
    running = Reconciler(pool, statement, rules, direct_url=url, clock=lambda: LATER)

    def progress(stage: str, done: int, total: int | None = None) -> None:  # noqa: ARG001
        if stage == at and at in {"comparing", "looking"}:
            sys.stdout.write("now\n")
            sys.stdout.flush()
            sys.stdin.read()  # for ever, with the transaction open, if there is one

    await running.run(RunId(uuid.UUID(run_id)), progress=progress)
