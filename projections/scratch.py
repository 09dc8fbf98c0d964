"""Projects into other tables than the live ones, by the code that the projector runs: for comparisons, rebuilds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from infra.postgres.pool import Connection
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.runner import DECODE
from schemas.envelope import RecordedEvent
from schemas.topics import topic_of

LIVE: Final = "read_model"

TABLES: Mapping[str, Sequence[str]] = {
    "payments": ("payments",),
    "payment_timeline": ("payment_timeline",),
    "split_payments": ("split_payments", "split_payment_events"),
    "reconciliation": ("reconciliations", "discrepancies"),
    "ledger": (
        "ledger_streams",
        "ledger_movements",
        "ledger_transactions",
        "ledger_entries",
        "ledger_lines",
        "ledger_days",
    ),
}
"""The tables of each projection."""


def parts_of(projection: str) -> list[Projection[Any]]:
    """Return the parts of a projection: one for each of its topics."""
    return [each for each in PROJECTIONS if each.name == projection]


async def apply_events(
    conn: Connection,
    schema: str,
    projections: Sequence[Projection[Any]],
    events: Sequence[RecordedEvent],
    is_for: Callable[[Projection[Any], RecordedEvent], bool],
) -> None:
    """Write what events change into tables of the same names in another schema.

    Raises SchemaError, ProjectionError or domain.errors.DomainError when an event cannot be applied.
    """
    for each in projections:
        decode = DECODE[each.topic]
        new = [decode(event) for event in events if topic_of(event.category) == each.topic and is_for(each, event)]
        if new:
            with _writing_into(conn, schema):
                await each.write(conn, new)


@contextmanager
def _writing_into(conn: Connection, schema: str) -> Iterator[None]:
    """Have statements that name the live tables reach those of another schema."""
    plain, conn.cursor_factory = conn.cursor_factory, _cursor_for(schema)
    try:
        yield
    finally:
        conn.cursor_factory = plain


def _cursor_for(schema: str) -> type[psycopg.AsyncCursor[Any]]:
    class ScratchCursor(psycopg.AsyncCursor[Any]):
        async def execute(
            self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
        ) -> "ScratchCursor":
            assert isinstance(query, str)
            there = query.replace(f"{LIVE}.", f"{schema}.")
            return await super().execute(there, params, prepare=prepare, binary=binary)

    return ScratchCursor
