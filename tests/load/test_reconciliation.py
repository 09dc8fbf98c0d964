"""How many rows a second a reconciliation compares, and what memory it takes: a run over a million transactions.

Run with `pytest -m load -s tests/load/test_reconciliation.py`, on a machine that does nothing else. The run is in a
process of its own, so that its peak memory is its own; Stripe's rows are generated there, page by page.
"""

import asyncio
import sys
import time

import psycopg
import pytest
from rich.console import Console
from rich.table import Table

from infra.postgres.pool import create_pool
from tests.integration.consumers.reconciliation.reconciliation_run import WINDOW, Harness
from tests.support.database import Database

pytestmark = [pytest.mark.load, pytest.mark.timeout(900)]

TRANSACTIONS = 1_000_000
PROGRAM = """
import asyncio, sys
from tests.load.reconciliation_program import run
asyncio.run(run(*sys.argv[1:]))
"""
_MOVEMENTS = """
INSERT INTO ledger.stripe_movements (source_id, category, currency, amount, fee, at, payment_id)
SELECT 'ch_' || lpad(number::text, 10, '0'), 'charge', (ARRAY['USD', 'JPY', 'KWD'])[mod(number, 3) + 1],
       1000 + mod(number, 9000), 59, to_timestamp(%(start)s + mod(number, 86000)), gen_random_uuid()
  FROM generate_series(0, %(count)s - 1) AS number
"""


async def test_a_million_transactions(database: Database) -> None:
    pool = create_pool(database.url("app"), size=4, name="test")
    async with pool:
        harness = Harness(database=database, pool=pool)
        await harness.ledger.prepare()
        async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as conn:
            await conn.execute(_MOVEMENTS, {"start": WINDOW.start, "count": TRANSACTIONS})
            await conn.execute("ANALYZE ledger.stripe_movements")
        run_id = await harness.request()
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, database.url("app"), str(run_id), str(TRANSACTIONS)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        whole = time.monotonic() - began
        assert process.returncode == 0
        state = await harness.state(run_id)
    assert state is not None
    assert state.completed is not None
    assert state.completed.found == {"amount": 10}, "a hundred thousandth of them is wrong"
    figures = dict(line.split("=") for line in out.decode().split() if "=" in line)
    seconds, peak_mb, base_mb = (float(figures[name]) for name in ("seconds", "peak_mb", "base_mb"))
    rows = 2 * TRANSACTIONS
    table = Table("transactions", "seconds", "transactions/s", "rows of both books/s", "peak memory", "before the run")
    table.add_row(
        f"{TRANSACTIONS:,}",
        f"{seconds:.1f}",
        f"{TRANSACTIONS / seconds:,.0f}",
        f"{rows / seconds:,.0f}",
        f"{peak_mb:.0f} MB",
        f"{base_mb:.0f} MB",
    )
    Console().print(table, f"stages: {figures.get('stages')}; the process from start to end: {whole:.1f} s")
    assert TRANSACTIONS / seconds >= 20_000
    assert peak_mb < 200
