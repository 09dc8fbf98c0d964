"""Real Kafka nodes: what they hold through stop, kill and loss, and that none outlives who started it."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.connections import PARTITIONS
from infra.embedded.errors import StartFailed
from infra.embedded.home import Home
from infra.embedded.stack import Stack
from infra.kafka.clients import consumer_config, producer_config
from infra.kafka.topics import create_topics, describe_topics
from schemas.topics import TopicDeclaration
from tests.integration.infra.embedded.components import all_gone, descendants, wait_until
from tests.support.kafka import apache_kafka, fresh_topics, three_brokers, transactional_settings
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.apache_kafka, pytest.mark.slow]


@pytest.fixture
async def cluster(apache_cluster: KafkaCluster) -> AsyncIterator[KafkaCluster]:
    """The session's cluster, empty; it is left running."""
    await fresh_topics(transactional_settings(apache_cluster.address))
    yield apache_cluster
    if not apache_cluster.running:
        await apache_cluster.restart()


async def make_topic(cluster: KafkaCluster, config: dict[str, str] | None = None) -> None:
    copies = min(3, len(cluster.nodes))
    topic = TopicDeclaration(name="paystream.test", partitions=1, replication_factor=copies, config=config or {})
    await create_topics(transactional_settings(cluster.address), [topic])


async def send(cluster: KafkaCluster, *values: bytes) -> None:
    """Send in one transaction."""
    async with asyncio.timeout(30):
        config = producer_config(transactional_settings(cluster.address), transactional_id="test")
        async with AIOKafkaProducer(**config) as producer, producer.transaction():
            for value in values:
                await producer.send_and_wait("paystream.test", value)


async def received(cluster: KafkaCluster, count: int, group: str | None = None) -> list[bytes]:
    """Return the first `count` committed records; with a group those after its offset, which is moved."""
    config = consumer_config(transactional_settings(cluster.address), group_id=group)
    async with asyncio.timeout(30), AIOKafkaConsumer("paystream.test", **config) as consumer:
        found = [(await consumer.getone()).value for _ in range(count)]
        if group is not None:
            await consumer.commit()
        return found


async def test_it_has_transactions_and_keeps_its_records_through_kill_and_stop(cluster: KafkaCluster) -> None:
    (node,) = cluster.nodes
    await make_topic(cluster)
    await send(cluster, b"1", b"2")
    assert await received(cluster, 1, group="g") == [b"1"]

    before, port = node.pid, node.port
    node.kill()
    assert not node.running
    await node.restart()
    assert (node.port, node.running) == (port, True)
    assert node.pid != before
    await send(cluster, b"3")
    assert await received(cluster, 2, group="g") == [b"2", b"3"]

    await cluster.restart()
    assert await received(cluster, 3) == [b"1", b"2", b"3"]


async def test_another_start_on_other_ports_finds_what_was_there(tmp_path: Path) -> None:
    async with apache_kafka(tmp_path) as first:
        await make_topic(first)
        await send(first, b"1")
    async with apache_kafka(tmp_path) as second:
        assert second.address != first.address
        assert await received(second, 1) == [b"1"]


async def test_wiping_leaves_nothing(cluster: KafkaCluster) -> None:
    await make_topic(cluster)
    await send(cluster, b"1")
    address = cluster.address
    await cluster.wipe()
    assert cluster.address == address
    assert await describe_topics(transactional_settings(address)) == {}
    await make_topic(cluster)
    await send(cluster, b"2")
    assert await received(cluster, 1) == [b"2"]


async def test_fresh_topics_leaves_neither_topics_nor_groups(cluster: KafkaCluster) -> None:
    settings = transactional_settings(cluster.address)
    await make_topic(cluster)
    await send(cluster, b"1", b"2")
    assert await received(cluster, 2, group="g") == [b"1", b"2"]
    await fresh_topics(settings)
    assert "paystream.test" not in await describe_topics(settings)
    await make_topic(cluster)
    await send(cluster, b"3")
    assert await received(cluster, 1, group="g") == [b"3"]


async def test_fresh_topics_have_no_settings_of_earlier_ones_after_a_kill(cluster: KafkaCluster) -> None:
    settings = transactional_settings(cluster.address)
    await make_topic(cluster, {"max.message.bytes": "1000"})
    await fresh_topics(settings)
    cluster.kill()
    await cluster.restart()
    await make_topic(cluster)
    await send(cluster, b"x" * 2_000)


async def test_it_stops_in_good_order_and_listens_on_this_machine_only(cluster: KafkaCluster) -> None:
    (node,) = cluster.nodes
    assert node.pid is not None
    connections = psutil.Process(node.pid).net_connections(kind="inet")
    listening = [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]
    assert [ip.removeprefix("::ffff:") for ip in listening] == ["127.0.0.1"] * 3  # clients, brokers, controllers
    started = time.monotonic()
    await cluster.stop()
    assert time.monotonic() - started < 10
    assert node.exit_code == 128 + signal.SIGTERM  # how Java ends when it was asked to


async def test_a_formatting_that_was_cut_short_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "broker" / "data.new"
    half.mkdir(parents=True)
    (half / "meta.properties").write_text("version=1\n")
    with Home(tmp_path) as home:
        cluster = KafkaCluster(home)
        await cluster.start()
        cluster.kill()
    assert not half.exists()
    assert "cluster.id" in (tmp_path / "broker" / "data" / "meta.properties").read_text()


async def test_a_start_that_fails_shows_the_end_of_the_log_and_leaves_nothing(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        broken = KafkaCluster(home, extra={"log.retention.ms": "many"})
        with pytest.raises(StartFailed, match=r"log\.retention\.ms") as failure:
            await broken.start()
        assert failure.value.component == "broker"
        assert not broken.running


async def test_three_nodes_go_on_without_one_and_take_it_back(tmp_path: Path) -> None:
    async with three_brokers(tmp_path) as cluster:
        await make_topic(cluster)
        await send(cluster, b"1")
        lost = cluster.nodes[0]
        lost.kill()
        await send(cluster, b"2")
        assert await received(cluster, 2) == [b"1", b"2"]

        lost.forget()  # its disk as well
        await lost.restart()
        await send(cluster, b"3")
        cluster.nodes[1].kill()

        async def all_there() -> list[bytes]:
            return await received(cluster, 3)

        await eventually(all_there, lambda found: found == [b"1", b"2", b"3"], within=60)


async def test_a_stack_keeps_what_is_in_kafka_until_it_is_wiped(tmp_path: Path) -> None:
    stack = Stack(tmp_path, fsync=False, processes=[], broker="apache")
    async with stack:
        settings = transactional_settings(stack.kafka_bootstrap_servers)
        topics = await describe_topics(settings)
        assert topics["paystream.payment"] == PARTITIONS
        async with AIOKafkaProducer(**producer_config(settings)) as producer:
            await producer.send_and_wait("paystream.payment", b"kept")
    async with stack:
        consumer = AIOKafkaConsumer("paystream.payment", **consumer_config(settings))
        async with asyncio.timeout(30), consumer:
            assert (await consumer.getone()).value == b"kept"
        await stack.wipe_broker()
        assert "paystream.payment" in await describe_topics(settings)
        async with AIOKafkaConsumer("paystream.payment", **consumer_config(settings)) as consumer:
            assert set((await consumer.end_offsets(list(consumer.assignment()))).values()) == {0}


_PARENT = """
import asyncio, sys
from pathlib import Path
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.home import Home

async def main():
    with Home(Path(sys.argv[1])) as home:
        cluster = KafkaCluster(home)
        await cluster.start()
        await cluster.wait_ready()
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
def test_kill_9_of_the_parent_ends_java(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        children = descendants(parent.pid)
        parent.kill()
        wait_until(all_gone(children))
