"""What a merchant may ask for ends the process of all merchants in no case."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from unittest.mock import AsyncMock
from uuid import UUID

import pytest

from consumers.webhooks_out import replays
from consumers.webhooks_out.replays import Replays
from domain.ids import MerchantId, WebhookEndpointId
from infra.postgres.pool import Pool

FIRST = datetime.min.replace(tzinfo=UTC)


class _Pool:
    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        yield AsyncMock()


async def test_a_replay_may_begin_with_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    async def position_at(_: Any, moment: datetime) -> int:
        return 0 if moment == FIRST else 40

    monkeypatch.setattr(replays, "position_at", position_at)
    monkeypatch.setattr(replays, "final_position", AsyncMock(return_value=30))
    replay = replays._Replay(
        replay_id=UUID(int=1),
        endpoint_id=WebhookEndpointId(UUID(int=2)),
        from_at=FIRST,
        until_at=datetime(2026, 5, 1, tzinfo=UTC),
        done_until=None,
        up_to=None,
        merchant_id=MerchantId("shop"),
        event_types=[],
        enabled=True,
    )
    working = Replays(cast("Pool", _Pool()), wake=AsyncMock())
    assert await working._bounds(replay) == (0, 30)
