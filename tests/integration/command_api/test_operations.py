"""What operators do over HTTP: by the rights of their key, with actor and reason in the log."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from domain.ids import DiscrepancyId
from domain.reconciliation.discrepancy import Observe
from event_store.payments import load_payment
from event_store.reconciliation import command_discrepancies, load_discrepancies, metadata
from event_store.store import load
from infra.access.keyring import ApiKeyring
from infra.postgres.pool import Pool
from schemas.events.examples import DIFFERENCE, RUN_ID
from schemas.http.dead_letters import DeadLetterDetail, DeadLetterList
from schemas.http.operations import OperationAnswer
from schemas.http.stripe_events import StripeEventPage, StripeEventView
from schemas.http.system import SystemView
from schemas.http.tasks import TaskList
from schemas.http.times import timestamp
from schemas.topics import partition_of
from tests.integration.command_api.running_api import MERCHANT, Running, key, running
from tests.support.signed_webhooks import a_stripe_event, deliver

pytestmark = pytest.mark.integration

BY_OLGA = {"Paystream-Actor": "olga"}
REASON = {"reason": "seen in the Dashboard"}
ACTOR = "api:staff/olga"


@pytest_asyncio.fixture
async def staff(pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    keys = ApiKeyring(
        [
            key("staff", "payments:write", "finance:write", "admin:read", "admin:write", "actor:set"),
            key("reader", "admin:read"),
            key("shop", "payments:write", "payments:read", "refunds:write", "webhooks:write"),
        ]
    )
    async with running(pool, redis, keys=keys, api_key="sk_staff") as api:
        yield api


async def said(api: Running, path: str, body: dict[str, Any] | None = None) -> str:
    answer = await api.client.post(path, json=REASON if body is None else body, headers=BY_OLGA)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return OperationAnswer.model_validate_json(answer.content).said


async def a_discrepancy(pool: Pool) -> DiscrepancyId:
    async with pool.connection() as conn:
        command = Observe(run_id=RUN_ID, number=1, difference=DIFFERENCE)
        found = {DIFFERENCE.discrepancy_id: command}
        await command_discrepancies(conn, found, metadata(correlation_id="c", actor="reconciliation"))
    return DIFFERENCE.discrepancy_id


async def test_a_discrepancy_is_assigned_explained_and_resolved_by_name(staff: Running, pool: Pool) -> None:
    path = f"/discrepancies/{await a_discrepancy(pool)}"
    assert await said(staff, f"{path}/assign", {"assignee": "bo"}) == "It is bo's now."
    assert await said(staff, f"{path}/assign", {"assignee": "bo"}) == "It was bo's already."
    assert await said(staff, f"{path}/explain") == "It is explained."
    assert await said(staff, f"{path}/resolve") == "It is resolved. A run that finds it again opens it again."
    again = await staff.client.post(f"{path}/explain", json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "operation_refused")
    async with pool.connection() as conn:
        state = (await load_discrepancies(conn, [DIFFERENCE.discrepancy_id]))[DIFFERENCE.discrepancy_id].state
        events = await load(conn, DIFFERENCE.discrepancy_id)
        cursor = await conn.execute("SELECT status, actor, reason FROM reconciliation.discrepancies")
        rows = await cursor.fetchall()
    assert state is not None
    assert (state.actor, state.reason, state.assignee) == (ACTOR, REASON["reason"], "bo")
    assert [event.metadata.actor for event in events[1:]] == [ACTOR] * 3
    assert rows == [("resolved", ACTOR, REASON["reason"])], "the worker's table follows in the same transaction"


async def a_task(api: Running, pool: Pool, *, attempts: int = 0) -> tuple[UUID, UUID]:
    """Return a payment and its call of Stripe, which is a dead letter."""
    payment_id = UUID((await api.create()).json()["id"])
    async with pool.connection() as conn:
        event = (await load_payment(conn, payment_id)).events[0]  # type: ignore[arg-type]
        await conn.execute(
            "INSERT INTO consumers.gateway_tasks (event_id, payment_id, merchant_id, operation, position,"
            " correlation_id, status, attempts, last_error)"
            " VALUES (%s, %s, %s, 'create_intent', %s, 'c', 'dead', %s, '400 no')",
            [event.event_id, payment_id, MERCHANT, event.position, attempts],
        )
    return payment_id, event.event_id


async def test_a_dead_call_is_listed_retried_and_given_up_by_name(staff: Running, pool: Pool) -> None:
    payment_id, task_id = await a_task(staff, pool)
    listed = await staff.client.get("/tasks")
    (task,) = TaskList.model_validate_json(listed.content).data
    assert (task.id, task.payment_id, task.status, task.last_error) == (task_id, payment_id, "dead", "400 no")
    assert (await staff.client.get("/tasks", params={"status": ["due", "done"]})).json() == {"data": [], "count": 0}

    assert (await staff.client.get(f"/tasks/{task_id}")).json() == listed.json()["data"][0]
    assert "sent again" in await said(staff, f"/tasks/{task_id}/retry")
    assert (await staff.client.get("/tasks", params={"status": "due"})).json()["count"] == 1
    assert "given up" in await said(staff, f"/tasks/{task_id}/give-up")
    async with pool.connection() as conn:
        events = (await load_payment(conn, payment_id)).events  # type: ignore[arg-type]
    assert [event.type for event in events[1:]] == ["payment.task_retried", "payment.task_given_up", "payment.failed"]
    assert {event.metadata.actor for event in events[1:]} == {ACTOR}


async def test_what_stripe_may_have_done_is_given_up_with_force_alone(staff: Running, pool: Pool) -> None:
    _, task_id = await a_task(staff, pool, attempts=2)
    refused = await staff.client.post(f"/tasks/{task_id}/give-up", json=REASON)
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_refused")
    assert (await staff.client.get("/tasks")).json()["count"] == 1
    assert "given up" in await said(staff, f"/tasks/{task_id}/give-up", REASON | {"force": True})


async def dead_letters(pool: Pool, count: int) -> list[int]:
    """Plant dead letters of one stream."""
    insert = """
        INSERT INTO consumers.dead_letters
               (consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position, stream, digest,
                key, value, headers, lacking, reason, error_type, error)
        SELECT 'projector', 'paystream.payment', 0, n, now(), n, n - 1, 's-1', sha256(n::text::bytea), NULL,
               '{"n": 1}'::bytea, '[]', '{projection:payments}', 'refused', 'VersionGap', 'a gap'
          FROM generate_series(1, %s) AS n RETURNING id"""
    async with pool.connection() as conn:
        return sorted(number for (number,) in await (await conn.execute(insert, [count])).fetchall())


async def test_a_replay_says_before_what_it_applies(staff: Running, pool: Pool) -> None:
    first, second = await dead_letters(pool, 2)
    listed = DeadLetterList.model_validate_json((await staff.client.get("/dead-letters")).content)
    assert ([each.id for each in listed.data], listed.count) == ([first, second], 2)
    shown = await staff.client.get(f"/dead-letters/{second}")
    detail = DeadLetterDetail.model_validate_json(shown.content)
    assert (detail.queue, detail.value, detail.lacking) == ([first, second], '{"n": 1}', ["projection:payments"])

    preview = await staff.client.post("/dead-letters/replay", json={"consumer": "projector", "preview": True})
    groups = [{"topic": "paystream.payment", "reason": "refused", "count": 2}]
    assert preview.json() == {"count": 2, "preview": True, "groups": groups}
    assert {each["status"] for each in (await staff.client.get("/dead-letters")).json()["data"]} == {"open"}
    replayed = await staff.client.post(f"/dead-letters/{first}/replay", json=REASON, headers=BY_OLGA)
    assert replayed.json() == {"count": 1, "preview": False, "groups": []}
    found = (await staff.client.get(f"/dead-letters/{first}")).json()
    assert (found["status"], found["requested_by"]) == ("replaying", ACTOR)
    assert found["replay_reason"] == REASON["reason"]


async def test_one_is_replayed_for_a_reason_and_for_no_wrong_body(staff: Running, pool: Pool) -> None:
    (number,) = await dead_letters(pool, 1)
    replay = f"/dead-letters/{number}/replay"
    wrong_bodies: list[object] = [{"reason": " "}, {"reason": 7}, {"because": "corrected"}, [], {"reason": "x" * 501}]
    for wrong in wrong_bodies:
        assert (await staff.client.post(replay, json=wrong)).status_code == 422
    assert (await staff.client.post(replay, content=b"{")).status_code == 400
    assert (await staff.client.get(f"/dead-letters/{number}")).json()["status"] == "open"
    assert (await staff.client.post(replay)).json()["count"] == 1, "as before there was a body"
    found = (await staff.client.get(f"/dead-letters/{number}")).json()
    assert (found["status"], found["replay_reason"]) == ("replaying", None)


async def test_a_replay_of_all_takes_the_oldest_of_one_consumer_alone(staff: Running, pool: Pool) -> None:
    numbers = await dead_letters(pool, 5)
    async with pool.connection() as conn:
        await conn.execute("UPDATE consumers.dead_letters SET consumer = 'other' WHERE id = %s", [numbers[0]])
        await conn.execute("UPDATE consumers.dead_letters SET reason = 'behind' WHERE id = ANY(%s)", [numbers[2:]])
    order = {"consumer": "projector", "limit": 3}
    preview = await staff.client.post("/dead-letters/replay", json={**order, "preview": True})
    groups = [(each["reason"], each["count"]) for each in preview.json()["groups"]]
    assert (groups, preview.json()["count"]) == ([("behind", 2), ("refused", 1)], 3)
    replayed = await staff.client.post("/dead-letters/replay", json=order | {"reason": "corrected"}, headers=BY_OLGA)
    assert replayed.json()["count"] == 3
    found = (await staff.client.get("/dead-letters")).json()["data"]
    assert [each["id"] for each in found if each["status"] == "replaying"] == numbers[1:4]
    assert [each["id"] for each in found if each["replay_reason"] == "corrected"] == numbers[1:4]
    assert (await staff.client.post("/dead-letters/replay", json={**order, "reason": " "})).status_code == 422
    assert (await staff.client.post("/dead-letters/replay", json=order)).json()["count"] == 3, "as before there was one"
    found = (await staff.client.get("/dead-letters")).json()["data"]
    assert {each["replay_reason"] for each in found} == {None}, "of another request"
    assert (await staff.client.post("/dead-letters/replay", json={**order, "limit": 0})).status_code == 422


async def test_a_dead_letter_is_discarded_once_with_a_reason(staff: Running, pool: Pool) -> None:
    (number,) = await dead_letters(pool, 1)
    assert await said(staff, f"/dead-letters/{number}/discard") == "It is discarded."
    again = await staff.client.post(f"/dead-letters/{number}/discard", json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "operation_refused")
    found = (await staff.client.get("/dead-letters", params={"resolved": "true"})).json()["data"]
    assert [(each["resolved_by"], each["resolution"]) for each in found] == [(ACTOR, REASON["reason"])]


async def test_the_system_tells_how_far_it_is_and_what_is_stuck(staff: Running, pool: Pool) -> None:
    empty = SystemView.model_validate_json((await staff.client.get("/system")).content)
    assert (empty.position, empty.outbox.depth, empty.tasks) == (0, 0, {})
    await a_task(staff, pool)
    await dead_letters(pool, 2)
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO consumers.consumer_checkpoints VALUES ('stripe-gateway', 'paystream.payment', 3, 7)"
        )
        await conn.execute(
            "INSERT INTO consumers.circuit_breakers (process, breaker, state, since, seen_at) VALUES"
            " ('a:1', 'stripe', 'closed', now(), now()), ('b:2', 'stripe', 'open', now(), now() - interval '1 hour')"
        )
    found = SystemView.model_validate_json((await staff.client.get("/system")).content)
    assert found.position > 0
    assert found.outbox.depth > 0
    assert (found.tasks, found.dead_letters, found.sagas) == ({"dead": 1}, {"projector": 2}, {})
    assert [(each.consumer, each.partition, each.position) for each in found.checkpoints] == [("stripe-gateway", 3, 7)]
    assert [(each.process, each.state, each.heard_of) for each in found.breakers] == [
        ("b:2", "open", False),
        ("a:1", "closed", True),
    ]


async def test_lags_are_counted_in_events_that_are_in_the_log(staff: Running, pool: Pool) -> None:
    payments = [UUID((await staff.create()).json()["id"]) for _ in range(3)]
    async with pool.connection() as conn:
        rows = await conn.execute(
            "SELECT position, stream_id, recorded_at FROM event_store.events"
            " WHERE category = 'payment' ORDER BY position"
        )
        events = await rows.fetchall()
        assert {row[1] for row in events} == set(payments)
        position, first, _ = events[0]
        await conn.execute(
            "INSERT INTO consumers.consumer_checkpoints VALUES ('sagas', 'paystream.payment', %s, %s)",
            [partition_of(first, 12), position],
        )
    lags = SystemView.model_validate_json((await staff.client.get("/system")).content).lags
    assert lags is not None
    assert sum(each.events for each in lags) == len(events) - 1
    lacking: dict[int, list[str]] = {}
    for _, stream_id, recorded_at in events[1:]:
        lacking.setdefault(partition_of(stream_id, 12), []).append(timestamp(recorded_at))
    assert all(each.oldest_at is not None and each.is_complete for each in lags)
    assert {each.partition: (each.events, timestamp(each.oldest_at)) for each in lags if each.oldest_at} == {
        partition: (len(moments), moments[0]) for partition, moments in lacking.items()
    }
    async with pool.connection() as conn:
        await conn.execute("UPDATE consumers.consumer_checkpoints SET partition = 12")
    assert (await staff.client.get("/system")).json()["lags"] is None


async def test_a_consumer_that_rests_while_nobody_wants_webhooks_has_no_lag(staff: Running, pool: Pool) -> None:
    await staff.create()
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO consumers.consumer_checkpoints"
            " SELECT 'webhooks-out', 'paystream.payment', number, 0 FROM generate_series(0, 11) AS number"
        )

    async def lags() -> list[dict[str, Any]]:
        return list((await staff.client.get("/system")).json()["lags"])

    assert await lags() == []
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO webhooks_out.endpoints"
            " (endpoint_id, merchant_id, url, event_types, description, enabled, secret)"
            " VALUES (gen_random_uuid(), 'm', 'https://m.test', '{}', '', true, '')"
        )
    assert sum(each["events"] for each in await lags()) == 1
    async with pool.connection() as conn:
        await conn.execute("UPDATE webhooks_out.endpoints SET enabled = false")
    assert await lags() == []


async def test_what_stripe_told_is_listed_newest_first_in_pages(staff: Running, pool: Pool) -> None:
    empty = (await staff.client.get("/stripe-events")).json()
    assert empty == {"data": [], "next_before": None}
    sent = [a_stripe_event(obj={"id": f"pi_{number}", "object": "payment_intent"}) for number in range(3)]
    for event in sent:
        assert (await deliver(staff.client, event)).status_code == 200
        await staff.create()  # others stand between them
    async with pool.connection() as conn:
        row = await (
            await conn.execute("SELECT max(position) FROM event_store.events WHERE category = 'stripe-event'")
        ).fetchone()
        assert row is not None
        await dead_letters(pool, 1)
        await conn.execute(
            "UPDATE consumers.dead_letters"
            " SET consumer = 'stripe-webhooks', topic = 'paystream.stripe-event', position = %s",
            [row[0]],
        )

    async def page_of(**parameters: Any) -> StripeEventPage:
        answer = await staff.client.get("/stripe-events", params={"limit": 2, **parameters})
        return StripeEventPage.model_validate_json(answer.content)

    first = await page_of()
    rest = await page_of(before=first.next_before)
    assert [each.id for each in (*first.data, *rest.data)] == [event["id"] for event in reversed(sent)]
    assert [each.object_id for each in first.data] == ["pi_2", "pi_1"]
    assert first.data[0].dead_letter_id is not None
    assert first.data[1].dead_letter_id is None
    assert rest.next_before is None
    about = await page_of(object_id=["pi_0", "pi_2", "pi_none"])
    assert [each.object_id for each in about.data] == ["pi_2", "pi_0"]
    for listed in (*first.data, *rest.data):
        one = await staff.client.get(f"/stripe-events/{listed.id}")
        assert StripeEventView.model_validate_json(one.content) == listed
    assert (await staff.client.get("/stripe-events/evt_unknown")).status_code == 404


async def test_sagas_are_listed_and_one_that_is_not_there_is_404(staff: Running) -> None:
    assert (await staff.client.get("/sagas")).json() == {"data": [], "count": 0}
    assert (await staff.client.get("/sagas", params={"status": "asleep"})).status_code == 400


MISSING = "019ab3c4-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "path",
    [
        *(f"/discrepancies/{each}/explain" for each in (MISSING, "x")),
        *(f"/tasks/{each}/retry" for each in (MISSING, "x")),
        *(f"/payments/{each}/accept" for each in (MISSING, "x")),
        *(f"/sagas/{each}/retry" for each in (MISSING, "x")),
        *(f"/dead-letters/{each}/discard" for each in ("4711", "0", "-1", "x", "9" * 40)),
    ],
)
async def test_what_is_not_there_is_404(staff: Running, path: str) -> None:
    answer = await staff.client.post(path, json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": "a", "b": 1}])
async def test_without_a_reason_nothing_is_done(staff: Running, pool: Pool, body: dict[str, Any]) -> None:
    path = f"/discrepancies/{await a_discrepancy(pool)}/explain"
    assert (await staff.client.post(path, json=body)).status_code == 422
    card = await staff.client.post(path, json={"reason": "card 4242 4242 4242 4242"})
    assert card.json()["code"] == "card_number_refused"
    async with pool.connection() as conn:
        assert len(await load(conn, DIFFERENCE.discrepancy_id)) == 1


READS = (
    "/system",
    "/stripe-events",
    "/tasks",
    f"/tasks/{MISSING}",
    "/sagas",
    "/dead-letters",
    "/dead-letters/1",
    f"/sagas/{MISSING}",
)
WRITES = (
    *(f"/discrepancies/{MISSING}/{each}" for each in ("explain", "resolve", "assign")),
    *(f"/tasks/{MISSING}/{each}" for each in ("retry", "give-up")),
    *(f"/sagas/{MISSING}/{each}" for each in ("retry", "give-up")),
    *(f"/dead-letters/{each}" for each in ("replay", "1/replay", "1/discard")),
    f"/payments/{MISSING}/accept",
)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "/tasks?statsu=due",
            "/system?x=1",
            "/dead-letters?consumer=%00",
            "/sagas?limit=0",
            "/stripe-events?before=0",
        ),
        *("/dead-letters?limit=1&limit=2", "/tasks?limit=1&limit=2"),
    ],
)
async def test_a_parameter_that_is_not_understood_is_refused(staff: Running, query: str) -> None:
    answer = await staff.client.get(query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_each_operation_needs_its_scope(staff: Running) -> None:
    async def status(method: str, path: str, named: str | None) -> int:
        headers = {"Authorization": f"Bearer sk_{named}"} if named else {"Authorization": "Bearer nobody"}
        return (await staff.client.request(method, path, headers=headers)).status_code

    for path in READS:
        assert await status("GET", path, None) == 401, path
        assert await status("GET", path, "shop") == 403, path
        assert await status("GET", path, "reader") in {200, 404}, path
    for path in WRITES:
        assert await status("POST", path, None) == 401, path
        assert await status("POST", path, "shop") == 403, path
        assert await status("POST", path, "reader") == 403, path


async def test_only_a_key_that_may_names_its_people(staff: Running) -> None:
    async with httpx.AsyncClient(transport=staff.client._transport, base_url="http://api") as client:
        answer = await client.get("/tasks", headers={"Authorization": "Bearer sk_reader", **BY_OLGA})
    assert answer.status_code == 403
