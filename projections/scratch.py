"""Projects into other tables than the live ones, by the code that the projector runs: for comparisons, rebuilds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from event_store.privacy.vault import AnyVault
from infra.errors import InfraError
from infra.postgres.pool import Connection
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.runner import DECODE, PERSONAL
from schemas.envelope import RecordedEvent
from schemas.personal.encrypted import has_encrypted
from schemas.topics import topic_of

LIVE: Final = "read_model"

TABLES: Mapping[str, Sequence[str]] = {
    "payments": ("payments",),
    "payment_timeline": ("payment_timeline", "payment_timeline_removed"),
    "split_payments": ("split_payments", "split_payment_events"),
    "reconciliation": ("reconciliations", "discrepancies"),
    "ledger": (
        "ledger_streams",
        "ledger_movements",
        "ledger_transactions",
        "ledger_entries",
        "ledger_lines",
        "ledger_merchant_days",
        "ledger_days",
        "ledger_quarters",
    ),
    "payouts": ("payouts",),
    "payment_totals": ("counted_payments", "payment_totals"),
}
"""The tables of each projection."""


class KeysNeeded(InfraError):
    """The read model shows personal data in clear: without its keys it can be neither compared nor built."""

    def __init__(self) -> None:
        super().__init__(
            "the log has encrypted personal data. Remedy: PRIVACY_WRAPPING_KEYS, as the projector has them"
        )


def parts_of(projection: str) -> list[Projection[Any]]:
    """Return the parts of a projection: one for each of its topics."""
    return [each for each in PROJECTIONS if each.name == projection]


async def apply_events(
    conn: Connection,
    schema: str,
    projections: Sequence[Projection[Any]],
    events: Sequence[RecordedEvent],
    is_for: Callable[[Projection[Any], RecordedEvent], bool],
    *,
    vault: AnyVault | None = None,
) -> None:
    """Write what events change into tables of the same names in another schema.

    `vault` has the keys of personal data, which the read model shows in clear. Raises SchemaError, ProjectionError or
    domain.errors.DomainError when an event cannot be applied, KeysNeeded when there is personal data and no key.
    """
    events = await _in_clear(events, {each.topic for each in projections} & PERSONAL, vault)
    for each in projections:
        decode = DECODE[each.topic]
        new = [decode(event) for event in events if topic_of(event.category) == each.topic and is_for(each, event)]
        if new:
            with _writing_into(conn, schema):
                await each.write(conn, new)


async def _in_clear(
    events: Sequence[RecordedEvent], topics: AbstractSet[str], vault: AnyVault | None
) -> Sequence[RecordedEvent]:
    """Return the events, those of these topics with their personal data."""
    shown = [each for each in events if topic_of(each.category) in topics and has_encrypted(each.data)]
    if not shown:
        return events
    if vault is None or not vault.encrypts:
        raise KeysNeeded
    clear = {each.position: each for each in await vault.decrypt(shown)}
    return [clear.get(each.position, each) for each in events]


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
