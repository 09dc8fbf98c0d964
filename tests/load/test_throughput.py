"""How many payments a second the embedded stack takes, and brings to their end, on this machine.

Run by `make test-load`. The reference's targets are checked: over 100 payments a second, p95 under 500 ms, errors
under 1 %, no duplicates.
"""

import time
from pathlib import Path

import psutil
import psycopg
import pytest
from rich.console import Console
from rich.table import Table

from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.stack import Stack
from tests.load.completion import all_completed, assert_each_charged_once
from tests.support.http_load_client import Measured, post_for
from tests.support.system import System, running_system

pytestmark = [pytest.mark.load, pytest.mark.broker, pytest.mark.timeout(600)]

CLIENTS, SECONDS = 32, 20.0
BODY = b'{"user_id":"load","amount_cents":1000,"currency":"USD","payment_method":"pm_card_visa"}'
HEADERS = {"Authorization": f"Bearer {DEVELOPMENT_KEY}", "Content-Type": "application/json"}

_TIME_TO_SUCCESS = """
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM s.recorded_at - r.recorded_at))
  FROM event_store.events r JOIN event_store.events s USING (stream_id)
 WHERE r.type = 'payment.requested' AND s.type = 'payment.succeeded'
"""


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Return the processor time used so far by each part, with its children."""
    used = {}
    for component in stack.components:
        process = psutil.Process(component.pid)
        times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
        used[component.name] = sum(each.user + each.system for each in times)
    own = psutil.Process().cpu_times()
    return {**used, "(this load)": own.user + own.system}


async def time_to_success(system: System) -> tuple[float, float]:
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        row = await (await connection.execute(_TIME_TO_SUCCESS)).fetchone()
    assert row is not None
    return row[0][0], row[0][1]


async def test_payments_a_second(tmp_path: Path) -> None:
    async with running_system(tmp_path, supervise=True) as system:
        url = f"{system.stack.urls.command_api}/payments"
        await post_for(url, HEADERS, BODY, clients=4, seconds=1)
        warm_up = await all_completed(system)
        cpu_before, started = cpu_seconds(system.stack), time.monotonic()
        measured = await post_for(url, HEADERS, BODY, clients=CLIENTS, seconds=SECONDS)
        completed = await all_completed(system)
        elapsed = time.monotonic() - started
        cpu = {name: used - cpu_before[name] for name, used in cpu_seconds(system.stack).items()}
        show(measured, completed - warm_up, elapsed, await time_to_success(system), cpu)

        await assert_each_charged_once(system, completed)
        assert measured.errors / len(measured.seconds) < 0.01
        assert len(measured.seconds) / SECONDS > 100
        assert measured.percentile(0.95) < 500


def show(
    measured: Measured, completed: int, elapsed: float, success: tuple[float, float], cpu: dict[str, float]
) -> None:
    """Print the figures."""
    figures = Table(title=f"{CLIENTS} clients for {SECONDS:.0f} s", show_header=False)
    for name, value in (
        ("accepted", f"{len(measured.seconds) / SECONDS:.0f} payments/s"),
        ("answer p50 / p95", f"{measured.percentile(0.5):.1f} ms / {measured.percentile(0.95):.1f} ms"),
        ("errors", f"{measured.errors}"),
        ("completed", f"{completed / elapsed:.0f} payments/s ({completed} in {elapsed:.1f} s)"),
        ("until succeeded p50 / p95", f"{success[0]:.2f} s / {success[1]:.2f} s"),
    ):
        figures.add_row(name, value)
    processors = Table("part", "CPU s", "of one core", title="Processor time")
    for name, seconds in sorted(cpu.items(), key=lambda each: -each[1]):
        processors.add_row(name, f"{seconds:.1f}", f"{seconds / elapsed:.0%}")
    console = Console()
    console.print()
    console.print(figures)
    console.print(processors)
