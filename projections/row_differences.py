"""Compares a table of the read model with one of the same name in another schema, row by row."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.scratch import LIVE

_SQL = Queries.load(Path(__file__).with_name("row_differences.sql"))

Key = tuple[Any, ...]

_EXPECTED: Mapping[str, sql.SQL] = {
    "payment_timeline": sql.SQL(
        "NOT EXISTS (SELECT FROM {live}.payment_timeline_removed r"
        " WHERE r.payment_id = payment_timeline.payment_id AND r.version >= payment_timeline.version)"
    ),
    # Only the live tables can have it: a replay removes nothing.
    "payment_timeline_removed": sql.SQL("true"),
}
"""Which rows of a replay are to be in the live table; by default, all."""
_OF_THE_LIVE: Mapping[str, sql.SQL] = {"payment_timeline_removed": sql.SQL("false")}
"""Which rows of the live table are to be in a replay; by default, all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowDifference:
    """A row that is not what the log says. `expected` is that of the replay, `actual` that of the read model.

    Of both the columns that differ, or all of them where one side has no such row (None).
    """

    projection: str
    table: str
    key: Mapping[str, Any]
    expected: Mapping[str, Any] | None
    actual: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRange:
    """Rows whose primary key is above `after` and up to `until`; None: from the first, to the last."""

    after: Key | None = None
    until: Key | None = None


async def range_behind(conn: Connection, table: str, schema: str, after: Key | None, size: int) -> KeyRange:
    """Return the range of the next `size` rows of either side behind a key."""
    key = await _primary_key(conn, table)
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    statement = sql.SQL(
        "SELECT {key} FROM ((SELECT {key} FROM {live} WHERE {behind} ORDER BY {key} LIMIT {size})"
        " UNION (SELECT {key} FROM {other} WHERE {behind} ORDER BY {key} LIMIT {size})"
        " ORDER BY {key} LIMIT {size}) AS following ORDER BY {descending} LIMIT 1"
    ).format(
        key=columns,
        live=sql.Identifier(LIVE, table),
        other=sql.Identifier(schema, table),
        behind=_within(key, KeyRange(after=after)),
        size=sql.Literal(size),
        descending=sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in key),
    )
    row = await (await conn.execute(statement)).fetchone()
    return KeyRange(after=after, until=None if row is None else tuple(row))


async def differing_rows(
    conn: Connection, projection: str, table: str, schema: str, *, limit: int, within: KeyRange | None = None
) -> AsyncIterator[RowDifference]:
    """Give up to `limit` rows that differ. `schema` has the replay's table, which is what is expected.

    But for what retention has removed of the live one: that is no difference.
    """
    key = await _primary_key(conn, table)
    columns = [name for (name,) in await (await conn.execute(_SQL.columns, {"table": f"{LIVE}.{table}"})).fetchall()]
    condition = _within(key, within or KeyRange())
    statement = sql.SQL(
        "SELECT to_jsonb(s), to_jsonb(l) FROM (SELECT * FROM {live} WHERE {condition} AND {of_replay}) l"
        " FULL JOIN (SELECT * FROM {scratch} WHERE {condition} AND {expected}) s USING ({key})"
        " WHERE ({of_live}) IS DISTINCT FROM ({of_scratch}) ORDER BY {key} LIMIT {limit}"
    ).format(
        live=sql.Identifier(LIVE, table),
        scratch=sql.Identifier(schema, table),
        condition=condition,
        of_replay=_OF_THE_LIVE.get(table, sql.SQL("true")),
        expected=_EXPECTED.get(table, sql.SQL("true")).format(live=sql.Identifier(LIVE)),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        of_live=sql.SQL(", ").join(sql.Identifier("l", name) for name in columns),
        of_scratch=sql.SQL(", ").join(sql.Identifier("s", name) for name in columns),
        limit=sql.Literal(limit),
    )
    for expected, actual in await (await conn.execute(statement)).fetchall():
        both = expected or actual
        yield RowDifference(
            projection=projection,
            table=table,
            key={name: both[name] for name in key},
            expected=_differing(expected, actual),
            actual=_differing(actual, expected),
        )


async def _primary_key(conn: Connection, table: str) -> list[str]:
    cursor = await conn.execute(_SQL.primary_key, {"table": f"{LIVE}.{table}"})
    return [name for (name,) in await cursor.fetchall()]


def _within(key: Sequence[str], keys: KeyRange) -> sql.Composable:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    for operator, bound in ((">", keys.after), ("<=", keys.until)):
        if bound is not None:
            values = sql.SQL(", ").join(map(sql.Literal, bound))
            conditions.append(sql.SQL("({}) " + operator + " ({})").format(columns, values))
    return sql.SQL(" AND ").join(conditions)


def _differing(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if one is None or other is None:
        return one
    return {name: value for name, value in one.items() if value != other[name]}
