"""A program that a test kills: delivers a partition from its beginning, then replays what was asked for.

Arguments: the database's URL; "refuse" or "accept". It ends by itself when all is done.
"""

import asyncio
import sys
import uuid

from infra.postgres.pool import create_pool
from tests.integration.infra.kafka.consumer.dead_letters.refusing_consumer import PARTITION, Member, PickyEffects, Topic

STREAMS = tuple(uuid.UUID(int=each) for each in range(1, 9))
EVENTS = 240


def the_topic() -> Topic:
    """The same events in every run."""
    topic = Topic()
    topic.add(*(STREAMS[at * at % 7 if at % 3 else 7] for at in range(EVENTS)))
    return topic


async def work(url: str, *, refuse: bool) -> None:
    topic = the_topic()
    async with create_pool(url, size=2, name="poison-program") as pool:
        effects = PickyEffects(pool)
        effects.refused = {topic.positions[20], topic.positions[21], str(STREAMS[4])} if refuse else set()
        member = Member(effects, pool)
        records = topic.all()
        for at in range(0, EVENTS, 12):
            await member.deliver(records[at : at + 12])
            await member.replayer.replay(PARTITION)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], refuse=sys.argv[2] == "refuse"))
