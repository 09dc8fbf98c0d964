"""How far each part of the system is, as PostgreSQL knows it."""

from pathlib import Path
from typing import Any, LiteralString

from psycopg.rows import dict_row

from event_store.store import QUERIES, read_log_state
from event_store.system.lags import lag_views, newest_events
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.http.times import timestamp

SQL = Queries.load(Path(__file__).with_name("status.sql"))


async def system_status(conn: Connection, *, partitions: int) -> dict[str, Any]:
    """Return the members of `SystemView`; `partitions`: of each topic."""
    newest = await newest_events(conn)
    checkpoints = await _rows(conn, SQL.checkpoints)
    resting = {each["consumer"] for each in await _rows(conn, SQL.resting)}
    consuming = [each for each in checkpoints if each["consumer"] not in resting]
    (log,) = await _rows(conn, SQL.log)
    waiting = await (await conn.execute(QUERIES["queue"], {"cursor": log["published_through"]})).fetchone()
    depth, oldest_at = waiting or (0, None)
    (watermark,) = await _rows(conn, SQL.watermark)
    tasks = await _rows(conn, SQL.tasks)
    due = [each["oldest_due_at"] for each in tasks if each["oldest_due_at"] is not None]
    return {
        "position": log["position"],
        "closed_because": (await read_log_state(conn)).closed_because,
        "outbox": {"depth": depth, "oldest_at": _at(oldest_at), "published_through": log["published_through"]},
        "read_model_through": watermark["position"],
        "checkpoints": [each | {"updated_at": timestamp(each["updated_at"])} for each in checkpoints],
        "lags": await lag_views(conn, newest, consuming, partitions=partitions),
        "tasks": {each["status"]: each["count"] for each in tasks},
        "oldest_task_due_at": _at(min(due, default=None)),
        "dead_letters": {each["consumer"]: each["count"] for each in await _rows(conn, SQL.dead_letters)},
        "sagas": {each["status"]: each["count"] for each in await _rows(conn, SQL.sagas)},
        "builds": [
            each | {"started_at": timestamp(each["started_at"]), "updated_at": timestamp(each["updated_at"])}
            for each in await _rows(conn, SQL.builds)
        ],
        "breakers": [
            each | {"since": timestamp(each["since"]), "seen_at": timestamp(each["seen_at"])}
            for each in await _rows(conn, SQL.breakers)
        ],
    }


async def _rows(conn: Connection, statement: LiteralString) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement)
        return await cursor.fetchall()


def _at(moment: Any) -> str | None:
    return None if moment is None else timestamp(moment)
