"""Projects into other tables than the live ones, by the code that the projector runs: for comparisons, rebuilds."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from schemas.topics import categories_of

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


class Decoded:
    """Decodes the events of a run when one of its projections wants them: each once, however many want it."""

    def __init__(self, vault: AnyVault | None) -> None:
        """`vault` has the keys of personal data, which the read model shows in clear."""
        self._vault = vault
        self._known: dict[int, Any] = {}
        self._working = asyncio.Lock()

    async def of(self, topic: str, events: Sequence[RecordedEvent]) -> list[Any]:
        """Return the decoded events. Raises SchemaError, and KeysNeeded when there is personal data and no key."""
        known, decode = self._known, DECODE[topic]
        async with self._working:
            new = [each for each in events if each.position not in known]
            for each in await self._in_clear(new) if topic in PERSONAL else new:
                known[each.position] = decode(each)
        return [known[each.position] for each in events]

    async def _in_clear(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        shown = [each for each in events if has_encrypted(each.data)]
        if not shown:
            return events
        if self._vault is None or not self._vault.encrypts:
            raise KeysNeeded
        clear = {each.position: each for each in await self._vault.decrypt(shown)}
        return [clear.get(each.position, each) for each in events]


def parts_of(projection: str) -> list[Projection[Any]]:
    """Return the parts of a projection: one for each of its topics."""
    return [each for each in PROJECTIONS if each.name == projection]


def of_categories(events: Sequence[RecordedEvent], categories: Collection[str]) -> Sequence[RecordedEvent]:
    """Return the events of some categories."""
    if {event.category for event in events}.issubset(categories):
        return events
    return [event for event in events if event.category in categories]


async def apply_events(
    conn: Connection,
    schema: str,
    projections: Sequence[Projection[Any]],
    events: Sequence[RecordedEvent],
    is_for: Callable[[Projection[Any], RecordedEvent], bool] | None = None,
    *,
    decoded: Decoded,
) -> None:
    """Write what events change into tables of the same names in another schema. `is_for` says who has which of them.

    Raises SchemaError, ProjectionError or domain.errors.DomainError when an event cannot be applied, KeysNeeded when
    there is personal data and no key.
    """
    for each in projections:
        new = of_categories(events, categories_of(each.topic))
        if is_for is not None:
            new = [event for event in new if is_for(each, event)]
        if new:
            its_events = await decoded.of(each.topic, new)
            with _writing_into(conn, schema):
                await each.write(conn, its_events)


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
