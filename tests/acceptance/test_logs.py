"""What the processes write about a payment: whose it was, and never a secret."""

import json
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.system import Json, System, new_key
from tests.support.waiting import eventually

pytestmark = pytest.mark.acceptance

KEYS = {"timestamp", "level", "event", "request_id", "correlation_id", "user_id", "payment_id"}
IDS = ("request_id", "correlation_id", "user_id", "payment_id")


def lines(system: System, name: str) -> list[Json]:
    """Return the whole lines of a process's log; one that is not JSON is an error."""
    written = system.stack.component(name).log.read_bytes()
    return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]


async def test_every_line_has_its_keys_and_the_calls_of_stripe_say_who_asked(system: System) -> None:
    ids = {"X-Request-ID": f"req-{new_key()}", "X-Correlation-ID": f"cor-{new_key()}"}
    body = {"user_id": "user_log", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
    answer = await system.command.post("/payments", json=body, headers={**ids, "Prefer": "wait=10"})
    payment_id = answer.json()["id"]
    assert answer.json()["status"] == "succeeded"
    refund = await system.refund(payment_id, 300, wait=10)
    expected = {
        "create_intent": (ids["X-Request-ID"], ids["X-Correlation-ID"], "user_log", payment_id),
        "create_refund": (refund.headers["X-Request-ID"], refund.headers["X-Correlation-ID"], "user_log", payment_id),
    }

    async def calls() -> dict[str, tuple[Any, ...]]:
        found = (line for line in lines(system, "worker-stripe-gateway") if line["event"] == "stripe_call_finished")
        return {
            line["operation"]: tuple(line[key] for key in IDS) for line in found if line["payment_id"] == payment_id
        }

    assert await eventually(calls, until=lambda found: len(found) == 2) == expected
    for name in system.stack.process_names:
        written = lines(system, name)
        assert written, name
        for line in written:
            assert line.keys() >= KEYS, f"{name}: {line}"


async def test_the_sandbox_logs_each_change_with_its_payment(system: System) -> None:
    payment_id = (await system.create(wait=10)).json()["id"]
    await system.refund(payment_id, 300, wait=10)
    found = [line for line in lines(system, "sandbox") if line["payment_id"] == payment_id]
    assert [(line["event"], line["method"], line["path"], line["status"]) for line in found] == [
        ("http_request", "POST", "/v1/payment_intents", 200),
        ("http_request", "POST", "/v1/refunds", 200),
    ]


async def test_the_timeline_says_which_request_led_to_each_event(system: System) -> None:
    created = await system.create(wait=10)
    payment_id = created.json()["id"]
    refund = await system.refund(payment_id, 100, wait=10)
    position = refund.json()["position"]
    answer = await system.query.get(f"/payments/{payment_id}/events", params={"min_position": position})
    by_type = {event["type"]: event["request_id"] for event in answer.json()["data"]}
    first, second = created.headers["X-Request-ID"], refund.headers["X-Request-ID"]
    assert by_type["payment.requested"] == by_type["payment.succeeded"] == first
    assert by_type["payment.refund_requested"] == by_type["payment.refund_succeeded"] == second


async def test_a_client_secret_is_handed_out_and_neither_logged_nor_stored(system: System) -> None:
    created = (await system.create(payment_method="pm_card_authenticationRequired", wait=10)).json()
    assert created["status"] == "requires_action"
    payment = await system.finished(created["id"])
    intent_id = payment["stripe_payment_intent_id"]
    (at_stripe,) = await system._stripe_objects("payment_intents", created["id"])
    given = await system.command.get(f"/payments/{created['id']}/client_secret")
    assert given.json()["client_secret"] == at_stripe["client_secret"]
    secret = f"{intent_id}_secret_"
    assert at_stripe["client_secret"].startswith(secret), "there is something to leak"

    for name in system.stack.process_names:
        assert secret not in system.stack.component(name).log.read_text(), name
    rows = await rows_with(system, intent_id)
    assert {"event_store.events", "read_model.payments", "read_model.payment_timeline"} <= rows.keys()
    assert await rows_with(system, secret) == {}


async def rows_with(system: System, text: str) -> dict[str, int]:
    """Return how many rows hold a text anywhere, by table: those of all our schemas that hold it at all."""
    found: dict[str, int] = {}
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        cursor = await connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname IN ('event_store', 'consumers', 'read_model', 'webhooks_out') ORDER BY 1, 2"
        )
        tables = await cursor.fetchall()
        assert ("consumers", "gateway_tasks") in tables
        for table in tables:
            query = sql.SQL("SELECT count(*) FROM {} AS r WHERE position(%s IN r::text) > 0")
            counted = await (await connection.execute(query.format(sql.Identifier(*table)), [text])).fetchone()
            assert counted is not None
            if counted[0]:
                found[".".join(table)] = counted[0]
    return found
