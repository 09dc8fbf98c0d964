"""PostgreSQL comes back younger: log, Kafka, Stripe and read model agree, and nobody pays twice."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from infra.embedded.postgres import PostgresServer
from tests.chaos.published import log_and_kafka_agree
from tests.chaos.younger_system import reopened, restart_on, was_lost
from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.postgres_copies import backup, cut_off, dump, new_cluster, promote, restore, server_on
from tests.support.system import running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(300), pytest.mark.own_system]

_PAYMENTS_BEFORE, _PAYMENTS_AFTER = 60, 30
_GROUPS = (
    "paystream_app",
    "paystream_relay",
    "paystream_projector",
    "paystream_query",
    "paystream_audit",
    "paystream_sealer",
    "paystream_rebuild",
    "paystream_privacy",
    "paystream_erasure",
    "paystream_access",
)

Loses = Callable[[PostgresServer, Path, Callable[[], Awaitable[None]]], Awaitable[Path]]
"""Return the data of a server that lacks what `more()` brought about; the old server may run on."""


async def from_a_standby(server: PostgresServer, folder: Path, more: Callable[[], Awaitable[None]]) -> Path:
    copied = await backup(server, standby=True)
    async with server_on(copied, folder / "standby", server) as standby:
        await cut_off(standby)
        await more()
        server.kill()
        await promote(standby)
    return copied / "postgres"


async def from_a_backup(server: PostgresServer, folder: Path, more: Callable[[], Awaitable[None]]) -> Path:  # noqa: ARG001
    copied = await backup(server)
    await more()
    server.kill()
    return copied / "postgres"


async def from_a_dump(server: PostgresServer, folder: Path, more: Callable[[], Awaitable[None]]) -> Path:
    dumped = await dump(server, "paystream")
    await more()
    server.kill()
    async with new_cluster(folder / "new", passwords=server._passwords) as new:
        await restore(new, "paystream", dumped, _GROUPS)
        return new.data


@pytest.mark.parametrize("loses", [from_a_standby, from_a_backup, from_a_dump])
async def test_payments_go_on_and_nobody_pays_twice(tmp_path: Path, loses: Loses) -> None:
    async with running_system(tmp_path / "home") as system:
        server = system.stack.component("postgres")
        assert isinstance(server, PostgresServer)
        customers = Customers(system=system, seed=chaos_seed(), rest_s=0.2)
        await customers.run(_PAYMENTS_BEFORE)

        async def more() -> None:
            await customers.run(_PAYMENTS_BEFORE)

        younger = await loses(server, tmp_path, more)
        await restart_on(system, younger)
        await eventually(lambda: reopened(system), within=60)
        lost = [each for each in customers.made if await was_lost(system, each)]
        after = Customers(system=system, seed=chaos_seed(), rest_s=0.2)
        await after.run(_PAYMENTS_AFTER)
        kept = [each for each in customers.made if each not in lost]
        await assert_stripe_agrees(system, kept + after.made)
        for each in lost:  # answered for, and never published: nobody was asked to charge it
            assert await system.charges(each.id) == []
        await log_and_kafka_agree(system, len(lost))
