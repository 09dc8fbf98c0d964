"""A user is erased from a system that runs: looked for everywhere, and not found."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from redis.asyncio import Redis

from infra.embedded.connections import DEVELOPMENT_MERCHANT
from infra.settings.kafka import KafkaSettings
from schemas.topics import dead_letter_topics, event_topics
from tests.support.kafka import read_topic
from tests.support.paystream_command import Ended, paystream
from tests.support.system import Json, System, new_key
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.broker]

LEGS = (("pm_card_visa", 600), ("pm_card_mastercard", 400))


class Person:
    """Somebody whose data can be searched for: no text of it is anybody else's."""

    def __init__(self) -> None:
        self.number = new_key().replace("-", "")
        self.user_id = f"user_{self.number}"
        self.email, self.name = f"ada{self.number}@mail.example", f"Ada {self.number} Lovelace"
        self.description, self.leg_phone = f"A hat for {self.number} Babbage", f"+44 {self.number} 7"
        self.metadata = {"email": self.email, "customerName": self.name, "order": f"A-{self.number}"}

    @property
    def personal(self) -> Sequence[str]:
        """What nobody may find."""
        return (self.email, self.name, self.description, self.leg_phone)


async def privacy(system: System, folder: Path, *arguments: str) -> Ended:
    settings = system.stack.connection_settings("privacy")
    return await paystream("privacy", *arguments, cwd=folder, settings=settings, within=100)


async def lived(system: System, person: Person) -> tuple[str, str]:
    """Have a person pay, be refunded, and pay a split payment; return the ids of both."""
    created = await system.create(
        wait=10, user_id=person.user_id, description=person.description, metadata=person.metadata
    )
    payment_id = created.json()["id"]
    await system.refund(payment_id, 300, wait=10)
    legs = [{"amount_cents": cents, "payment_method": method} for method, cents in LEGS]
    body = {"user_id": person.user_id, "currency": "USD", "metadata": person.metadata}
    legs[0]["metadata"] = {"phone": person.leg_phone}
    split = await system.command.post(
        "/split-payments", json={**body, "legs": legs}, headers={"Prefer": "wait=15", "Idempotency-Key": person.number}
    )
    assert split.json()["status"] == "completed", split.text
    assert split.json()["metadata"] == person.metadata
    return payment_id, split.json()["id"]


async def rows_with(system: System, texts: Sequence[str]) -> dict[str, int]:
    """Return how many rows of any table in any schema hold one of these texts in any column."""
    found: dict[str, int] = {}
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        cursor = await connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = await cursor.fetchall()
        assert {"event_store", "consumers", "read_model", "privacy"} <= {schema for schema, _ in tables}
        for table in tables:
            query = sql.SQL("SELECT count(*) FROM {} AS r WHERE r::text LIKE ANY (%s)")
            patterns = [f"%{text}%" for text in texts]
            counted = await (await connection.execute(query.format(sql.Identifier(*table)), [patterns])).fetchone()
            assert counted is not None
            if counted[0]:
                found[".".join(table)] = counted[0]
    return found


async def records_with(system: System, texts: Sequence[str]) -> list[str]:
    """Return the topics that hold one of these texts, in a value or a header."""
    given = {name.lower(): value for name, value in system.stack.connection_settings("relay").items()}
    settings = KafkaSettings(_env_file=None, **given)  # type: ignore[arg-type]
    found = []
    for topic in (*event_topics(), *dead_letter_topics()):
        of_topic = settings.model_copy(update={"kafka_topic_partitions": 1}) if ".dlq." in topic else settings
        records = [each for of in (await read_topic(of_topic, topic)).values() for each in of]
        held = b"".join(b"".join([each.value or b"", *(value or b"" for _, value in each.headers)]) for each in records)
        found += [topic for text in texts if text.encode() in held]
    return found


def logs_with(system: System, texts: Sequence[str]) -> list[str]:
    """Return the components whose log holds one of these texts."""
    logs = {each.name: each.log.read_text() for each in system.stack.components if each.log.exists()}
    return [name for name, text in logs.items() if any(each in text for each in texts)]


async def remembered_with(system: System, texts: Sequence[str]) -> list[str]:
    """Return the keys of Redis that hold one of these texts."""
    async with Redis.from_url(system.stack.redis_url) as redis:
        found = []
        async for key in redis.scan_iter():
            value = await redis.get(key) if await redis.type(key) == b"string" else b""
            found += [key.decode() for text in texts if text.encode() in (value or b"")]
        return found


async def test_an_erased_user_is_found_nowhere(system: System, tmp_path: Path) -> None:
    person = Person()
    payment_id, split_id = await lived(system, person)
    payment = await system.finished(payment_id)
    assert (payment["description"], payment["metadata"]) == (person.description, person.metadata)
    (charge,) = await system.charges(payment_id)
    assert charge["description"] == person.description, "Stripe shows what it is for"
    await eventually(lambda: webhooks_about(system, payment["stripe_payment_intent_id"]))
    before = await rows_with(system, person.personal)
    assert before.keys() <= {
        *("read_model.payments", "read_model.payment_timeline"),
        *("read_model.split_payments", "read_model.split_payment_events"),
    }, "only what is shown is in clear"
    assert before.keys() >= {"read_model.payments", "read_model.payment_timeline", "read_model.split_payment_events"}

    exported = await privacy(
        system, tmp_path, *("export", person.user_id, "--merchant", DEVELOPMENT_MERCHANT, "--reason", "a letter")
    )
    assert (exported.code, exported.errors) == (0, "")
    assert all(text in exported.output for text in person.personal), "everything is handed out"
    assert json.loads(exported.output)["stripe_events"]

    erased = await privacy(
        system, tmp_path, *("erase", person.user_id, "--merchant", DEVELOPMENT_MERCHANT, "--reason", "case 7", "--yes")
    )
    assert erased.code == 0, erased.errors
    assert "redaction_jobs" in erased.output
    await eventually(lambda: rows_with(system, person.personal), lambda rows: not rows, within=30)
    assert await records_with(system, person.personal) == []
    assert logs_with(system, person.personal) == []
    assert await remembered_with(system, person.personal) == []

    shown = await shown_everywhere(system, person, payment_id, split_id, tmp_path)
    for name, text in shown.items():
        assert "[erased]" in text, name
        assert not any(each in text for each in person.personal), name


async def webhooks_about(system: System, intent_id: str) -> list[Any]:
    """Return what webhooks said of an intent."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        query = "SELECT 1 FROM event_store.events WHERE category = 'stripe-event' AND data->>'object_id' = %s"
        return await (await connection.execute(query, [intent_id])).fetchall()


async def shown_everywhere(
    system: System, person: Person, payment_id: str, split_id: str, folder: Path
) -> dict[str, str]:
    """Return what each way to look at the user shows."""
    audit = system.stack.connection_settings("audit")
    headers = {"Idempotency-Key": person.number}
    legs: list[Json] = [{"amount_cents": cents, "payment_method": method} for method, cents in LEGS]
    legs[0]["metadata"] = {"phone": person.leg_phone}
    body = {"user_id": person.user_id, "currency": "USD", "metadata": person.metadata, "legs": legs}

    async def repeat() -> httpx.Response:
        return await system.command.post("/split-payments", json=body, headers=headers)

    # Until PRIVACY_KEY_CACHE_S have passed, the process may know the key.
    repeated = await eventually(repeat, lambda answer: "[erased]" in answer.text, within=20)
    assert repeated.headers["Idempotent-Replayed"] == "true"
    replayed = await paystream("audit", "replay", "--category", "payment", cwd=folder, settings=audit, within=100)
    show = await paystream("audit", "show", payment_id, "--format", "json", cwd=folder, settings=audit)
    export = await privacy(
        system, folder, *("export", person.user_id, "--merchant", DEVELOPMENT_MERCHANT, "--reason", "a letter")
    )
    reads = {
        path: (await system.query.get(path)).text
        for path in (
            f"/payments/{payment_id}",
            f"/payments/{payment_id}?version=1",
            f"/payments/{payment_id}/events",
            f"/payments?user_id={person.user_id}",
            f"/split-payments/{split_id}",
        )
    }
    of_user = [line for line in replayed.output.splitlines() if payment_id in line]
    return reads | {
        "the answer to a repetition": repeated.text,
        "audit replay": "".join(of_user),
        "audit show": show.output,
        "privacy export": export.output,
    }


async def test_nothing_differs_from_a_replay_and_no_invariant_breaks(system: System, tmp_path: Path) -> None:
    person = Person()
    payment_id, _ = await lived(system, person)
    await privacy(
        system, tmp_path, *("erase", person.user_id, "--merchant", DEVELOPMENT_MERCHANT, "--reason", "case 8", "--yes")
    )
    await system.becomes(payment_id, lambda found: found["description"] == "[erased]")
    audit = system.stack.connection_settings("audit")
    diff = await paystream("audit", "diff", cwd=tmp_path, settings=audit, within=100)
    assert (diff.code, "Nothing differs" in diff.output) == (0, True), diff.output + diff.errors
    invariants = await paystream("audit", "invariants", cwd=tmp_path, settings=audit, within=100)
    assert invariants.code == 0, invariants.output
    assert await system.differences() == []


async def test_an_e_mail_address_is_no_user_id(system: System) -> None:
    refused = await system.create(user_id="ada@mail.example")
    assert refused.status_code == 422
    assert "e-mail address" in refused.text
    assert "ada@mail.example" not in refused.text
