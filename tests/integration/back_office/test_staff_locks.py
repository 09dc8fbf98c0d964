"""A lock outlives the process that set it, and holds in every other: back offices over one command API and its log."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from back_office.apis.client import Api
from domain.access.events import StaffSignedIn
from domain.access.staff import staff_stream
from event_store.store import load
from infra.access.keyring import ApiKeyring
from infra.postgres.pool import Pool
from schemas.events import STAFF_CODEC
from tests.integration.command_api.running_api import Running, key, running
from tests.support.waiting import eventually
from tests.unit.back_office.conftest import BackOffice, opened, settings
from tests.unit.back_office.fake_apis import FakeApi, a_query_api
from tests.unit.back_office.staff.oidc.conftest import opened_with_sign_on, sign_on_settings
from tests.unit.back_office.staff.test_session_routes import is_logged_in

pytestmark = pytest.mark.integration

REASON = "her laptop was stolen"


@pytest_asyncio.fixture
async def command_api(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    keys = ApiKeyring([key("office", "admin:read", "admin:write", "actor:set")])
    async with running(pool, redis, keys=keys, api_key="sk_office") as api:
        yield api


class Over(FakeApi):
    """The command API that runs, in the place of a stand-in."""

    def __init__(self, running_api: Running) -> None:
        super().__init__(name="command API")
        self._running = running_api

    def api(self) -> Api:
        return Api(self._running.client, name=self.name)


@pytest_asyncio.fixture
async def offices(command_api: Running) -> AsyncIterator[list[BackOffice]]:
    """Three processes of the back office, each with sessions and a memory of its own."""
    async with AsyncExitStack() as closing:
        yield [
            await closing.enter_async_context(opened(settings(), a_query_api(), Over(command_api))) for _ in range(3)
        ]


async def test_a_lock_ends_sessions_in_the_other_process(offices: list[BackOffice]) -> None:
    here, there, _ = offices
    await here.log_in("operator")
    await there.log_in("finance")
    assert await is_logged_in(there)
    assert (await here.send("/staff/finance/lock", reason=REASON)).status_code == 303

    async def is_still_in() -> bool:
        return await is_logged_in(there)

    await eventually(is_still_in, lambda is_in: not is_in, within=6)
    assert (await there.log_in("finance")).status_code == 401


async def test_a_lock_outlives_the_process_and_an_unlock_too(offices: list[BackOffice]) -> None:
    here, restarted, again = offices
    await here.log_in("operator")
    await here.send("/staff/finance/lock", reason=REASON)
    assert (await restarted.log_in("finance")).status_code == 401
    await restarted.log_in("operator")
    shown = (await restarted.page("/staff/finance")).text
    assert "Locked by operator, with the API key office" in shown
    assert REASON in shown
    await restarted.send("/staff/finance/unlock", reason="a new password")
    assert (await again.log_in("finance")).status_code == 303
    assert await is_logged_in(again)


async def test_a_session_that_slept_through_a_lock_is_over(offices: list[BackOffice]) -> None:
    here, there, _ = offices
    await here.log_in("operator")
    await there.log_in("finance")
    await here.send("/staff/finance/lock", reason=REASON)
    await here.send("/staff/finance/unlock", reason="a new password")

    async def is_still_in() -> bool:
        return await is_logged_in(there)

    await eventually(is_still_in, lambda is_in: not is_in, within=6)
    assert (await there.log_in("finance")).status_code == 303


async def test_all_sessions_end_in_every_process_and_new_ones_go_on(offices: list[BackOffice]) -> None:
    here, there, again = offices
    await here.log_in("operator")
    await there.log_in("finance")
    assert (await here.send("/staff/finance/end-sessions", reason=REASON)).status_code == 303
    assert (await again.log_in("finance")).status_code == 303

    async def is_still_in() -> bool:
        return await is_logged_in(there)

    await eventually(is_still_in, lambda is_in: not is_in, within=6)
    assert await is_logged_in(again)
    assert await is_logged_in(here)


async def test_ones_own_session_stays_when_all_others_end_elsewhere(offices: list[BackOffice]) -> None:
    here, there, third = offices
    for each in (here, there, third):
        await each.log_in("finance")
    form = [each for each in (await here.page("/sessions")).forms if each.action == "/sessions/revoke"][-1]
    assert (await here.browser.post(form.action, data=form.fields)).status_code == 303
    for other in (there, third):
        await eventually(lambda other=other: is_logged_in(other), lambda is_in: not is_in, within=6)  # type: ignore[misc]
    assert await is_logged_in(here)
    await there.log_in("operator")
    await there.send("/staff/finance/end-sessions", reason=REASON)
    await eventually(lambda: is_logged_in(here), lambda is_in: not is_in, within=6)


async def test_each_change_is_in_the_log_with_who_and_why(offices: list[BackOffice], pool: Pool) -> None:
    here, *_ = offices
    await here.log_in("operator")
    await here.send("/staff/finance/lock", reason=REASON)
    await here.send("/staff/finance/unlock", reason="a new password")
    async with pool.connection() as conn:
        rows = await conn.execute(
            "SELECT type, data->>'name', data->>'reason', metadata->>'actor' FROM event_store.events"
            " WHERE type LIKE 'access.staff_%locked' ORDER BY position"
        )
        found = await rows.fetchall()
    actor = "api:office/operator"
    assert found == [
        ("access.staff_locked", "finance", REASON, actor),
        ("access.staff_unlocked", "finance", "a new password", actor),
    ]


async def test_a_lock_of_the_log_keeps_out_whoever_signs_on(
    command_api: Running, offices: list[BackOffice], pool: Pool
) -> None:
    locking, *_ = offices
    await locking.log_in("operator")
    async with opened_with_sign_on(sign_on_settings(), Over(command_api)) as signing_on:
        assert (await signing_on.log_in()).status_code == 200
        assert await is_logged_in(signing_on.office)
        async with pool.connection() as conn:
            (event,) = map(STAFF_CODEC.decode, await load(conn, staff_stream("finance")))
        assert isinstance(event, StaffSignedIn)
        assert (event.method, event.second_factor, event.actor) == ("oidc", "none", "api:office/finance")
        await locking.send("/staff/finance/lock", reason=REASON)
        refused = await signing_on.log_in()
        assert refused.status_code == 403
        assert "Your account is locked" in refused.text
        await locking.send("/staff/finance/unlock", reason="it was found")
        assert (await signing_on.log_in()).status_code == 200
