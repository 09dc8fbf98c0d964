"""Where consumers go on reading when a log was opened by decision."""

from event_store.recovery.compare import Comparison
from event_store.recovery.recover import QUERIES
from infra.postgres.pool import Connection

_PROJECTION = "projection:"  # how the checkpoints of projections begin


async def take_back_checkpoints(conn: Connection, found: Comparison) -> bool:
    """Have consumers go back where they applied what the log lacks; return whether the read model may show some of it.

    All of them, where Kafka's copy and the log went different ways. Otherwise those alone that stand behind the end of
    the log: the others applied what it has, and would apply it twice.
    """
    if not found.blockers:
        return False
    if found.went_on_otherwise:
        await conn.execute(QUERIES.take_back_checkpoints, {"position": found.whole_up_to})
        return True
    ahead = await (await conn.execute(QUERIES.take_back_to_end)).fetchall()
    return any(consumer.startswith(_PROJECTION) for (consumer,) in ahead)
