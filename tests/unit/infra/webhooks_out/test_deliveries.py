"""What is kept of a replay that is asked for."""

from datetime import UTC, datetime
from unittest.mock import AsyncMock
from uuid import UUID

import pytest

from infra.webhooks_out.deliveries import request_replay

FIRST, LATER = datetime.min.replace(tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("until", [FIRST, LATER])
async def test_a_moment_that_no_time_zone_behind_utc_has_is_not_kept(until: datetime) -> None:
    conn = AsyncMock()
    conn.execute.return_value.fetchone.return_value = (UUID(int=1),)
    await request_replay(conn, endpoint_id=UUID(int=2), from_at=FIRST, until_at=until, actor="api:shop")
    (_, values) = conn.execute.await_args.args
    assert values["from_at"] > FIRST.replace(year=2)
    assert values["until_at"] == max(values["from_at"], until)
