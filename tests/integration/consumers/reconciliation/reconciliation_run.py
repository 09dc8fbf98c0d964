"""A reconciliation between two stand-ins, and what it recorded."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from consumers.reconciliation.plan import RunRules
from consumers.reconciliation.run.reconciler import Reconciler
from consumers.reconciliation.schedule.runs import add_requested
from consumers.reconciliation.statement.fakes import MemoryStatement
from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, RunId
from domain.reconciliation.events import ReconciliationRequested
from domain.reconciliation.rows import Movement, StripeRow
from domain.reconciliation.run import RequestRun, RunState, run_id_of
from domain.reconciliation.window import day_window
from event_store.reconciliation import command_run, load_run, metadata
from infra.postgres.pool import Pool
from tests.integration.consumers.reconciliation.ledger_table import LedgerTable
from tests.support.database import Database

DAY = date(2026, 3, 10)
CUTOFF_S = 7200
WINDOW = day_window(DAY, "UTC", cutoff=CUTOFF_S, now=0)
RULES = RunRules(cutoff_s=CUTOFF_S, ledger_wait_s=5, lookups=100, partitions=12)
LATER = float(WINDOW.end + 2 * CUTOFF_S)


@dataclass(kw_only=True)
class Harness:
    """Asks for runs, runs them and reads what came of them."""

    database: Database
    pool: Pool
    statement: MemoryStatement = field(default_factory=MemoryStatement)
    now: float = LATER
    rules: RunRules = RULES

    @property
    def ledger(self) -> LedgerTable:
        return LedgerTable(self.database)

    def reconciler(self, statement: MemoryStatement | None = None) -> Reconciler:
        return Reconciler(
            self.pool,
            statement or self.statement,
            self.rules,
            direct_url=self.database.url("app"),
            clock=lambda: self.now,
        )

    async def request(self, day: date = DAY, *, time_zone: str = "UTC") -> RunId:
        command = RequestRun(date=day, time_zone=time_zone, origin="api", actor="test")
        run_id = run_id_of(day, time_zone)
        async with self.pool.connection() as conn:
            decided = await command_run(conn, run_id, command, metadata(correlation_id="c", actor="test"))
            await add_requested(conn, [each for each in decided.events if isinstance(each, ReconciliationRequested)])
        return run_id

    async def run(self, day: date = DAY, *, time_zone: str = "UTC") -> RunState:
        state = await self.reconciler().run(RunId(await self.request(day, time_zone=time_zone)))
        assert state is not None
        return state

    async def state(self, run_id: RunId) -> RunState | None:
        async with self.pool.connection() as conn:
            return await load_run(conn, RunId(run_id))

    async def discrepancies(self) -> list[dict[str, Any]]:
        return await self.query(
            "SELECT kind, source_id, category, status, actor, reason FROM reconciliation.discrepancies"
            " ORDER BY kind, source_id, category"
        )

    async def events(self) -> Counter[str]:
        rows = await self.query("SELECT type FROM event_store.events WHERE category = 'reconciliation'")
        return Counter(row["type"] for row in rows)

    async def query(self, sql: str) -> list[dict[str, Any]]:
        async with (
            await psycopg.AsyncConnection.connect(self.database.url("owner"), autocommit=True) as conn,
            conn.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(sql)
            return await cursor.fetchall() if cursor.description else []


@dataclass
class Agreeing:
    """Two books that agree on so many charges."""

    stripe: list[StripeRow] = field(default_factory=list)
    ledger: list[Movement] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, *, currencies: tuple[str, ...] = ("USD", "JPY", "KWD")) -> "Agreeing":
        statement = cls()
        for number in range(count):
            source, currency = f"ch_{number:08d}", currencies[number % len(currencies)]
            at = WINDOW.start + number * 80_000 // count
            statement.stripe.append(
                StripeRow(
                    BalanceSourceId(source),
                    "charge",
                    BalanceTransactionId(f"txn_{number:08d}"),
                    1000 + number,
                    59,
                    currency,
                    at,
                )
            )
            statement.ledger.append(
                Movement(
                    BalanceSourceId(source), "charge", currency, 1000 + number, 59, at, PaymentId(uuid.uuid4()), None
                )
            )
        return statement
