"""Dead letters of a running consumer on a broker, with the command line as the operator has it."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord
from prometheus_client import REGISTRY

from infra.kafka.consumer.batch_consumer import BatchConsumer
from infra.kafka.consumer.checkpoints import Checkpointed
from infra.kafka.consumer.dead_letters.worker import DeadLetters
from infra.kafka.topics import create_topics
from infra.postgres.pool import Pool
from infra.process.health import Unhealthy
from schemas.cloudevents import Delivered, to_kafka
from schemas.topics import TopicDeclaration, dead_letter_topic
from tests.integration.conftest import Cluster
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import PickyEffects, dead_letters, summaries
from tests.integration.infra.kafka.consumer.noting_consumer import NAME, running
from tests.integration.infra.kafka.published_log import Log, recorded
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.paystream_command import Ended, paystream
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BAD = uuid.UUID(int=1)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A topic with its dead-letter topic, and a handler that refuses what it is summaries to."""

    cluster: Cluster
    log: Log
    effects: PickyEffects
    database: Database

    @property
    def dlq(self) -> str:
        return dead_letter_topic(self.cluster.topic, NAME)

    async def create_dlq(self) -> None:
        declared = TopicDeclaration(name=self.dlq, partitions=1, replication_factor=1)
        await create_topics(self.cluster.settings, [declared])

    @asynccontextmanager
    async def consuming(self, **options: object) -> AsyncIterator[BatchConsumer[Delivered]]:
        """Run a member."""
        apply = self.effects.apply
        assert isinstance(apply, Checkpointed)
        dead_letters = DeadLetters(checkpointed=apply, topic_of=dead_letter_topic, verify_topics_every_s=0.5)
        cluster = self.cluster
        async with running(cluster.settings, cluster.topic, apply, dead_letters=dead_letters, **options) as member:
            yield member

    async def announced(self, count: int) -> list[dict[str, str]]:
        """Wait for so many different dead letters in the topic; return the headers of each, in their order."""
        settings = self.cluster.settings.model_copy(update={"kafka_topic_partitions": 1})

        async def look() -> dict[int, ConsumerRecord[bytes, bytes]]:
            records = (await read_topic(settings, self.dlq))[0]
            return {int(dict(each.headers)["dlq_id"]): each for each in records}

        found = await eventually(look, until=lambda seen: len(seen) == count, within=30)
        return [
            {name: raw.decode(errors="replace") for name, raw in found[each].headers if raw is not None}
            for each in sorted(found)
        ]

    async def command(self, *arguments: str) -> Ended:
        """Run `paystream dlq` as an operator does."""
        return await dlq_command(self.database, *arguments)


@pytest_asyncio.fixture
async def scene(cluster: Cluster, log: Log, pool: Pool, database: Database) -> Scene:
    made = Scene(cluster=cluster, log=log, effects=PickyEffects(pool), database=database)
    await made.effects.prepare(database.url("owner"))
    await made.create_dlq()
    return made


async def dlq_command(database: Database, *arguments: str) -> Ended:
    return await paystream("dlq", *arguments, settings={"database_url": database.url("app")}, within=60)


async def test_each_kind_of_poison_is_kept_and_announced_and_the_rest_applied(scene: Scene) -> None:
    before = [_counted(reason) for reason in ("undecodable", "refused", "behind")]
    log, topic = scene.log, scene.cluster.topic
    log.record(10, partition=0)
    refused = log.events[4]
    behind = recorded(log.positions[-1] + 3, refused.stream_id)
    log.events.append(behind)
    scene.effects.refused = {refused.position}
    async with scene.consuming() as member:
        await log.publish(log.events[:3])
        await log.publish_garbage(0)
        await log.producer.send_and_wait(topic, b"{not json", partition=0)
        forged = to_kafka(recorded(log.positions[2] + 1, BAD), log.positions[2])
        odd = [(name, b"\xff" if name == "ce_actor" else raw) for name, raw in forged.headers]
        await log.producer.send_and_wait(topic, forged.value, forged.key, partition=0, headers=odd)
        await log.publish(log.events[3:])
        others = [position for position in log.positions if position not in (refused.position, behind.position)]
        await eventually(scene.effects.positions, until=lambda seen: len(seen) == len(others), within=30)
        assert await scene.effects.positions() == others
        headers = await scene.announced(5)
        await eventually(lambda: _ready(member))
        await eventually(_open, until=lambda number: number == 5)
    reasons = ("undecodable", "refused", "behind")
    assert [_counted(reason) - was for reason, was in zip(reasons, before, strict=True)] == [3, 1, 1]
    said = headers[3]
    assert said["ce_position"] == str(refused.position)
    assert (said["dlq_reason"], said["dlq_errortype"]) == ("refused", "Refused")
    assert said["dlq_error"] == f"no to {refused.position}"
    assert (said["dlq_consumer"], said["dlq_topic"], said["dlq_partition"]) == (NAME, topic, "0")
    assert datetime.fromisoformat(said["dlq_failedat"]).tzinfo is not None
    listed = await scene.command("list")
    assert listed.code == 0, listed.errors
    assert len(listed.output.splitlines()) == 6
    assert f"refused: Refused: no to {refused.position}" in listed.output
    rows = [json.loads(line) for line in (await scene.command("list", "--json")).output.splitlines()]
    assert said["dlq_id"] in {str(row["id"]) for row in rows}
    assert not {"key", "value", "headers"} & {name for row in rows for name in row}
    shown = await scene.command("show", said["dlq_id"])
    assert f"{topic}/0 @ {said['dlq_offset']}" in shown.output
    assert f"ce_subject: {refused.stream_id}" in shown.output


async def test_an_operator_replays_and_discards_what_waits(scene: Scene, pool: Pool) -> None:
    log = scene.log
    log.record(2, partition=0)
    stream = log.events[0].stream_id
    log.events.append(recorded(log.positions[-1] + 3, stream))
    scene.effects.refused = {log.positions[0]}
    await log.publish()
    await log.publish_garbage(0)
    async with scene.consuming():
        await eventually(lambda: summaries(pool), until=lambda seen: len(seen) == 3, within=30)
        first, behind, garbage = (row["id"] for row in await dead_letters(pool))
        failed = await scene.command("replay", str(first), str(behind))
        assert failed.code == 1
        assert f"{first}  failed again: Refused: no to" in failed.output
        assert f"{behind}  still waits behind {first}" in failed.output

        scene.effects.refused = set()
        replayed = await scene.command(
            "replay", "--stream", str(stream), "--actor", "ada", "--reason", "it is corrected"
        )
        assert replayed.code == 0, replayed.output
        assert f"{behind}  applied by ada: replayed" in replayed.output
        assert await scene.effects.positions() == log.positions
        again = await scene.command("show", str(behind))
        assert "by ada: it is corrected" in " ".join(again.output.split())

        given_up = await scene.command("discard", str(garbage), "--actor", "ada", "--reason", "not ours")
        assert given_up.code == 0, given_up.errors
        assert "No open dead letters." in (await scene.command("list")).output
        assert "discarded" in (await scene.command("list", "--all")).output
        assert "by ada: not ours" in (await scene.command("show", str(garbage))).output
        await eventually(_open, until=lambda number: number == 0)


@pytest.mark.slow
async def test_commands_that_cannot_be_are_refused_with_a_reason(database: Database) -> None:
    for arguments, said in (
        (("show", "77"), "there is no dead letter 77"),
        (("discard", "77", "--actor", "ada", "--reason", "x"), "there is no dead letter 77"),
        (("replay", "77"), "there is no dead letter 77"),
        (("replay",), "give ids, or --stream, or --consumer with --all"),
        (("replay", "--consumer", NAME), "belong together"),
        (("replay", "--consumer", NAME, "--all"), "say why"),
        (("replay", "--consumer", NAME, "--all", "--reason", " "), "say why"),
        (("discard", "1", "--actor", "ada"), "--reason"),
        (("discard", "1", "--actor", "ada", "--reason", " "), "say why"),
    ):
        answer = await dlq_command(database, *arguments)
        assert answer.code != 0
        assert said in " ".join(answer.errors.split())
        assert "Traceback" not in answer.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--consumer", "striped-gateway"),
        ("list", "--consumer", "striped-gateway", "--json"),
        ("replay", "--consumer", "striped-gateway", "--all", "--reason", "x"),
    ],
)
async def test_a_consumer_that_there_is_not_has_no_answer(database: Database, arguments: tuple[str, ...]) -> None:
    answer = await dlq_command(database, *arguments)
    assert (answer.code, answer.output) == (2, "")
    assert "There is no consumer striped-gateway. There are: projector, " in answer.errors


async def test_of_a_consumer_without_dead_letters_nothing_is_open(database: Database) -> None:
    answer = await dlq_command(database, "list", "--consumer", "projector")
    assert (answer.code, answer.output) == (0, "No open dead letters.\n")


async def test_a_replay_that_nobody_runs_says_so_and_is_done_once_later(scene: Scene, pool: Pool) -> None:
    log = scene.log
    log.record(1, partition=1)
    stream = log.events[0].stream_id
    log.events += [recorded(log.positions[0] + 3 * number, stream) for number in range(1, 20)]
    scene.effects.refused = {log.positions[0]}
    await log.publish()
    async with scene.consuming():
        await eventually(lambda: summaries(pool), until=lambda seen: len(seen) == 20, within=30)
        await scene.announced(20)
    scene.effects.refused = set()
    requested = await scene.command("replay", "1", "--wait", "0")
    assert requested.code == 1
    assert f"not yet: {NAME} has not come to it" in requested.output
    async with scene.consuming(group_id="one"), scene.consuming(group_id="two"):
        again = await scene.command("replay", "--consumer", NAME, "--all", "--reason", "it is corrected")
        assert again.code == 0, again.output + again.errors
        await eventually(scene.effects.positions, until=lambda seen: len(seen) == 20)
    assert await scene.effects.in_order() == log.positions


async def test_a_broker_that_lost_everything_is_told_of_open_dead_letters_again(scene: Scene) -> None:
    log = scene.log
    log.record(3, partition=0)
    scene.effects.refused = {log.positions[1], log.positions[2]}
    await log.publish()
    async with scene.consuming():
        given_up, _ = await scene.announced(2)
        done = await scene.command("discard", given_up["dlq_id"], "--actor", "ada", "--reason", "no use")
        assert done.code == 0
        await scene.cluster.wipe()
        await scene.cluster.create_topic()
        await scene.create_dlq()
        (said,) = await scene.announced(1)
    assert said["ce_position"] == str(log.positions[2])


async def _ready(member: BatchConsumer[Delivered]) -> bool:
    try:
        await member.check_ready()
    except Unhealthy:
        return False
    return True


async def _open() -> float | None:
    return REGISTRY.get_sample_value("consumer_dead_letters_open", {"consumer": NAME})


def _counted(reason: str) -> float:
    """Over all topics: each test has one of its own, and starts from what was counted."""
    (family,) = [each for each in REGISTRY.collect() if each.name == "consumer_dead_letters"]
    return sum(
        sample.value
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["consumer"] == NAME and sample.labels["reason"] == reason
    )
