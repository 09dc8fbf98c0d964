"""An accident destroys the log, and it is restored to the moment before, from a base backup and the archived WAL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
import pytest_asyncio

from infra.embedded.postgres import DATABASE, PostgresServer
from tests.chaos.published import log_and_kafka_agree
from tests.chaos.younger_system import reopened, restart_on, was_lost
from tests.support import point_in_time
from tests.support.finance_steps import discrepancies, reconciled
from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.paystream_command import Ended, paystream
from tests.support.postgres_copies import backup, dump_rows, load_rows
from tests.support.system import System, running_system
from tests.support.waiting import answered, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(300), pytest.mark.own_system]

# Where it is noon: midnight does not come between. Etc/GMT+3 is three hours behind UTC.
_ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
_SETTINGS = {
    "RECONCILIATION_CUTOFF_MS": "1000",
    "RECONCILIATION_TIME_ZONE": _ZONE,
    "BALANCE_POLL_INTERVAL_MS": "300",
}
_BEFORE_THE_BACKUP, _BEFORE_THE_MOMENT, _IN_ALL = 20, 50, 90


@dataclass(kw_only=True)
class Archived:
    """A system whose PostgreSQL archives."""

    system: System
    folder: Path
    archive: Path

    @property
    def server(self) -> PostgresServer:
        """The server that the accident happens to."""
        server = self.system.stack.component("postgres")
        assert isinstance(server, PostgresServer)
        return server

    async def restore(self, base: Path, to: datetime) -> set[str]:
        """Restore to a moment, and start on that; return the payments that the log had before it met Kafka."""
        await point_in_time.archive_the_rest(self.server)
        keys = await dump_rows(self.server, DATABASE, "privacy.data_keys")
        self.server.kill()
        async with point_in_time.restored(base, self.archive, to, self.folder / "restored", self.server) as server:
            found = await streams(server)
            await load_rows(server, DATABASE, keys)
        await restart_on(self.system, base / "postgres")
        for each in self.system.stack.components:  # a process that met a log without its tables has ended
            await each.start()
        return found


async def streams(server: PostgresServer) -> set[str]:
    async with await psycopg.AsyncConnection.connect(server.url()) as connection:
        rows = await connection.execute("SELECT stream_id::text FROM event_store.streams")
        return {stream_id for (stream_id,) in await rows.fetchall()}


@pytest_asyncio.fixture
async def archived(tmp_path: Path) -> AsyncIterator[Archived]:
    async with running_system(tmp_path / "home", settings=_SETTINGS) as system:
        server = system.stack.component("postgres")
        assert isinstance(server, PostgresServer)
        archive = await point_in_time.archive(server)
        await system.stack.restart("postgres")
        await answered(system.create)
        yield Archived(system=system, folder=tmp_path, archive=archive)


async def accident(system: System) -> None:
    """Destroy the log, as somebody can who is its owner, and see that nothing goes on."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:
        while True:
            try:
                await connection.execute("DROP TABLE event_store.events CASCADE")
                break
            except psycopg.errors.DeadlockDetected:  # with what the processes do meanwhile
                continue
    refused = await system.create()
    assert refused.is_server_error, refused.text


async def test_nothing_is_lost_of_what_kafka_has(archived: Archived) -> None:
    system, server = archived.system, archived.server
    customers = Customers(system=system, seed=chaos_seed(), rest_s=0.2)
    paying = asyncio.create_task(customers.run(_IN_ALL))
    await eventually(lambda: accepted(customers, _BEFORE_THE_BACKUP), within=60)
    base = await backup(server)
    await eventually(lambda: accepted(customers, _BEFORE_THE_MOMENT), within=60)
    acknowledged = {made.id for made in customers.made}
    moment = await point_in_time.moment(server)
    named = (await system.create(user_id="somebody_new", description="A gift for Ana", wait=10)).json()
    await paying
    await assert_stripe_agrees(system, customers.made)
    await log_and_kafka_agree(system)

    await accident(system)
    in_time = await archived.restore(base, moment)
    assert acknowledged <= in_time, "what was acknowledged before the moment is in the archive"
    later = {made.id for made in customers.made} - in_time
    assert later, "the moment was before the end"

    await eventually(lambda: reopened(system), within=60)
    assert [each.id for each in customers.made if await was_lost(system, each)] == []
    after = Customers(system=system, seed=chaos_seed(), rest_s=0.2)
    await after.run(20)
    await assert_stripe_agrees(system, customers.made + after.made)
    assert (await system.payment(named["id"]))["description"] == "A gift for Ana", "its key is younger than the moment"
    await log_and_kafka_agree(system)
    print(f"restored: {len(acknowledged)} payments from the archive, {len(later)} from Kafka")  # noqa: T201
    audits = system.stack.connection_settings("audit")
    verified = await eventually(
        lambda: paystream("audit", "verify", "--full", cwd=archived.folder, settings=audits, within=100),
        lambda ended: ended.code == 0,
        within=30,
        every=1,
    )
    assert "Nothing differs" in verified.output


async def test_what_stripe_alone_knows_is_shown(archived: Archived) -> None:
    """Kafka is lost as well: what was paid after the moment is nowhere but at Stripe."""
    system, server = archived.system, archived.server
    base = await backup(server)
    kept = Customers(system=system, seed=chaos_seed())
    await kept.run(12)
    await assert_stripe_agrees(system, kept.made)
    moment = await point_in_time.moment(server)
    gone = [(await system.create(wait=10)).json() for _ in range(3)]
    assert {each["status"] for each in gone} == {"succeeded"}
    charges = {charge["id"] for each in gone for charge in await system.charges(each["id"])}

    await accident(system)
    await system.stack.wipe_broker()
    await archived.restore(base, moment)
    await eventually(lambda: refuses(system), within=60)
    shown = await eventually(lambda: recover(archived, "--dry-run"), lambda ended: "To be decided" in ended.output)
    assert shown.code == 1
    for each in gone:
        assert each["id"] in shown.output, "Stripe names each payment that it has and the log does not"

    decided = ("--yes", "--reason", "the cluster is lost")  # a relay that compares just now has to be waited for
    await eventually(lambda: recover(archived, *decided), lambda ended: ended.code == 0)
    after = Customers(system=system, seed=chaos_seed())
    await after.run(8)
    await assert_stripe_agrees(system, kept.made + after.made)
    for each in gone:
        assert len(await system.charges(each["id"])) == 1
        assert (await system.query.get(f"/payments/{each['id']}")).status_code == httpx.codes.NOT_FOUND
    await asyncio.sleep(2.5)  # beyond the cut-off, and what the poller may lag
    await reconciled(system, datetime.now(ZoneInfo(_ZONE)).date().isoformat())
    found = await discrepancies(system)
    assert {("missing_here", charge) for charge in charges} <= set(found), found


async def accepted(customers: Customers, count: int) -> bool:
    return len(customers.made) >= count


async def refuses(system: System) -> bool:
    """Whether a command is refused because the log is closed, and says when to ask again."""
    answer = await system.create()
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers


async def recover(archived: Archived, *options: str) -> Ended:
    environment = archived.system.stack.environment
    settings = environment("worker-stripe-gateway") | environment("relay")
    return await paystream("recover", *options, cwd=archived.folder, settings=settings)
