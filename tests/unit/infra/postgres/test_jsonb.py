"""JSON as a parameter."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg.adapt import PyFormat, Transformer

from infra.postgres.jsonb import jsonb


@dataclass(kw_only=True)
class ARow:
    """A row as projections have them."""

    row_id: UUID
    at: datetime
    text: str


def test_rows_are_sent_as_jsonb_in_utf_8() -> None:
    parameter = jsonb([ARow(row_id=UUID(int=1), at=datetime(2026, 5, 1, tzinfo=UTC), text="ü✓ \\")])

    dumper = Transformer().get_dumper(parameter, PyFormat.AUTO)

    expected = '[{"row_id":"00000000-0000-0000-0000-000000000001","at":"2026-05-01T00:00:00+00:00","text":"ü✓ \\\\"}]'
    assert dumper.dump(parameter) == expected.encode()
    assert dumper.oid == Transformer().adapters.types["jsonb"].oid
