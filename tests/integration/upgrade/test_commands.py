"""Commands on what an older release left behind: known keys are replayed, and old streams go on."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from event_store.store import Connection
from infra.access.keyring import ApiKeyring
from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool
from infra.redis.client import create_redis
from infra.settings.redis import RedisSettings
from tests.integration.command_api.running_api import Running, running
from tests.integration.upgrade.fixture_files import Fixture
from tests.support.read_model import load_log, project_log

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest_asyncio.fixture
async def api(pool: Pool, valkey: ValkeyServer, keyring: ApiKeyring) -> AsyncIterator[Running]:
    """Today's command API. Its Redis is empty."""
    redis = create_redis(RedisSettings(redis_url=SecretStr(valkey.url)))
    async with running(pool, redis, keys=keyring, api_key=DEVELOPMENT_KEY) as started:
        yield started
    await redis.aclose()


async def test_each_key_with_its_body_is_answered_as_it_was(release: Fixture, api: Running) -> None:
    events = await api.count("events")
    assert release.manifest.commands

    for sent in release.manifest.commands:
        answer = await api.post(sent.path, sent.body, sent.key)
        assert (answer.status_code, answer.text) == (sent.status, sent.response)
        assert answer.headers["Idempotent-Replayed"] == "true"

    assert await api.count("events") == events


async def test_a_key_with_another_body_is_refused(release: Fixture, api: Running) -> None:
    sent = next(each for each in release.manifest.commands if each.path == "/payments")
    answer = await api.post(sent.path, {**sent.body, "amount_cents": sent.body["amount_cents"] + 1}, sent.key)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("name", "action", "body", "code"),
    [
        ("refunded", "refund", {"amount_cents": 1}, "refund_amount_exceeds_refundable"),
        ("refund_unknown", "refund", {"amount_cents": 901}, "refund_amount_exceeds_refundable"),
        ("dispute_lost", "refund", {"amount_cents": 1}, "payment_disputed"),
        ("canceled", "capture", {}, "payment_not_capturable"),
        ("succeeded", "confirm", {"payment_method": "pm_card_visa"}, "payment_not_confirmable"),
    ],
)
async def test_what_an_old_payment_does_not_allow_is_refused(
    *, name: str, action: str, body: dict[str, object], code: str, release: Fixture, api: Running
) -> None:
    answer = await api.post(f"/payments/{release.manifest.payments[name]}/{action}", body, str(uuid.uuid4()))
    assert answer.json()["code"] == code, answer.text


@pytest.mark.parametrize(
    ("name", "action", "body"),
    [
        ("succeeded", "refund", {"amount_cents": 100}),
        ("refunded_in_part", "refund", {}),
        ("refund_came_back", "refund", {}),
        ("held", "capture", {"amount_cents": 900}),
        ("authentication_awaited", "cancel", {}),
        ("declined", "confirm", {"payment_method": "pm_card_visa"}),
        ("kwd", "refund", {"amount_cents": 10}),
    ],
)
async def test_an_old_payment_goes_on(
    *,
    name: str,
    action: str,
    body: dict[str, object],
    release: Fixture,
    api: Running,
    app: Connection,
    projector_pool: Pool,
    query: httpx.AsyncClient,
) -> None:
    payment_id = release.manifest.payments[name]
    before = release.answers[f"/payments/{payment_id}"]

    answer = await api.post(f"/payments/{payment_id}/{action}", body, str(uuid.uuid4()))
    assert answer.is_success, answer.text

    await project_log(projector_pool, await load_log(app), partitions=release.manifest.partitions)
    after = (await query.get(f"/payments/{payment_id}")).json()
    assert after["version"] > before["version"]
    timeline = (await query.get(f"/payments/{payment_id}/events", params={"limit": "100"})).json()["data"]
    assert len(timeline) == after["version"]
