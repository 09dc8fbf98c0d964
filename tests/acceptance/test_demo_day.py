"""`make run DEMO=1` on a system of its own: every kind of thing is there to be seen, and it ends when it is told to."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from infra.cli.demo_day import play_day
from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.own_system]

KINDS = ("succeeded", "declined", "disputed", "held", "3-D Secure", "refunded", "payout", "will be lost")


@pytest.mark.timeout(180)
async def test_a_day_shows_payments_of_every_kind(tmp_path: Path) -> None:
    said: list[str] = []
    async with Stack(tmp_path, fsync=False, processes=processes_of("together")) as stack:
        urls = {
            "command_api": stack.urls.command_api,
            "query_api": stack.urls.query_api,
            "sandbox": stack.urls.sandbox,
        }
        playing = asyncio.create_task(play_day(urls, say=said.append, pace_per_minute=600))

        async def heard() -> list[str]:
            return said

        await eventually(heard, lambda lines: all(any(kind in line for line in lines) for kind in KINDS), within=60)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        assert not [line for line in said if "went wrong" in line]
        async with httpx.AsyncClient(
            base_url=stack.urls.query_api, headers={"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        ) as client:

            async def statuses() -> Counter[str]:
                found = (await client.get("/payments", params={"limit": 100})).json()["data"]
                return Counter(each["status"] for each in found)

            async def disputes() -> list[object]:
                return list((await client.get("/disputes")).json()["data"])

            await eventually(statuses, lambda found: found["succeeded"] >= 4 and found["requires_payment_method"] > 0)
            await eventually(disputes)
            assert (await client.get("/payments", params={"limit": 100})).json()["data"][0]["description"]
