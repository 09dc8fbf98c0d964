"""Writes the `payments` projection: a batch's rows are read, folded on and written back, each as one set."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import dict_row

from domain.ids import PaymentId, RefundId
from infra.postgres.jsonb import jsonb
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.errors import RowsChangedMeanwhile
from projections.events import DecodedEvent, by_payment
from projections.payments.mapping import NAME, fold
from projections.payments.rows import (
    ActionColumn,
    ContradictionElement,
    DisputeColumn,
    ErrorColumn,
    PaymentRow,
    RefundElement,
    RefundError,
)
from schemas.topics import PAYMENT

_SQL = Queries.load(Path(__file__).with_name("projection.sql"))


class Payments:
    """The projection, for the runner."""

    name = NAME
    topic = PAYMENT

    async def write(self, conn: Connection, events: Sequence[DecodedEvent]) -> None:
        """Bring the rows of these events' payments up to date.

        Raises ProjectionError (projections.errors) when an event is not the next of its payment; the caller
        must then roll back.
        """
        streams = by_payment(events)
        before = await load(conn, streams)
        inserts, changes = [], []
        for payment_id, its_events in streams.items():
            row = before.get(payment_id)
            after = fold(its_events, row)
            if row is None:
                inserts.append(after)
            else:
                changes.append({"version_before": row.version, "row": after})
        if inserts:
            await conn.execute(_SQL.insert, {"rows": jsonb(inserts)})
        if changes:
            cursor = await conn.execute(_SQL.update, {"changes": jsonb(changes)})
            if cursor.rowcount != len(changes):
                raise RowsChangedMeanwhile(projection=NAME, expected=len(changes), actual=cursor.rowcount)


async def load(conn: Connection, payment_ids: Iterable[PaymentId]) -> dict[PaymentId, PaymentRow]:
    """Return the rows of those of the payments that have one."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.rows, {"payment_ids": list(payment_ids)})
        return {columns["payment_id"]: _row(columns) for columns in await cursor.fetchall()}


def _row(columns: dict[str, Any]) -> PaymentRow:
    error, action, dispute = columns["last_error"], columns["next_action"], columns["dispute"]
    return PaymentRow(
        **columns
        | {
            "metadata": orjson.loads(columns["metadata"]),
            "refunds": tuple(_refund(element) for element in orjson.loads(columns["refunds"])),
            "last_error": None if error is None else ErrorColumn(**orjson.loads(error)),
            "next_action": None if action is None else ActionColumn(**orjson.loads(action)),
            "contradictions": tuple(ContradictionElement(**each) for each in orjson.loads(columns["contradictions"])),
            "dispute": None if dispute is None else DisputeColumn(**orjson.loads(dispute)),
        }
    )


def _refund(element: dict[str, Any]) -> RefundElement:
    error = element["error"]
    return RefundElement(
        **element
        | {
            "refund_id": RefundId(UUID(element["refund_id"])),
            "error": None if error is None else RefundError(**error),
        }
    )
