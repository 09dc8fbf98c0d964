"""Writes the fixture of a release: `make upgrade-fixture`. See README.md beside it.

It starts a whole system, plays the story, waits until everything stands still, and keeps what is there then.
"""

import argparse
import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from infra.embedded.binaries import postgres_bin
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.running import SANDBOX_DATA
from infra.embedded.stack import Stack
from infra.stripe_sandbox.client import SandboxAdmin
from schemas.events import EVENT_TYPES
from schemas.topics import RELAY_PROGRESS, dead_letter_topics, event_topics
from tests.integration.upgrade.answers import read_everything
from tests.integration.upgrade.fixture_files import (
    FIXTURES,
    Fixture,
    KeptLetter,
    Manifest,
    SentCommand,
    written_records,
)
from tests.integration.upgrade.quiet import GATEWAY, is_quiet, kafka_settings
from tests.integration.upgrade.restored import rows_of
from tests.integration.upgrade.story import CUTOFF_S, NOT_IN_STORY, Story
from tests.support.kafka import read_topic
from tests.support.system import Json, System

# Where it is noon: midnight does not come between. Etc/GMT+3 is three hours behind UTC.
_ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
_SETTINGS = {
    "RECONCILIATION_CUTOFF_MS": str(CUTOFF_S * 1000),
    "RECONCILIATION_TIME_ZONE": _ZONE,
    "BALANCE_POLL_INTERVAL_MS": "300",
    # Long enough for an operator to give a call up, short enough to see a capture and a creation fail.
    "GATEWAY_NOT_LISTED_AFTER_MS": "8000",
    "GATEWAY_MISSING_AFTER_MS": "10000",
    "LOG_LEVEL": "WARNING",
}
_CLIENT_SECRET = re.compile(r"(_secret_)\w+")
_SERVERS = frozenset({"postgres", "valkey", "broker"})
_LARGEST_BYTES = 300 * 1024

_TASK_AGE = (
    "UPDATE consumers.gateway_tasks SET first_attempt_at = now() - %s * interval '1 second', due_at = now()"
    " WHERE status <> 'done' AND attempts > 0"
)
_EVENTS = "SELECT category, count(*) FROM event_store.events GROUP BY category ORDER BY category"
_TYPES = "SELECT DISTINCT type FROM event_store.events"
_LETTERS = """
SELECT to_jsonb(letter)
  FROM (SELECT consumer, topic, partition, kafka_offset AS "offset", reason, status
          FROM consumers.dead_letters ORDER BY id) AS letter
"""


def main() -> int:
    """Write it; return the exit code."""
    parser = argparse.ArgumentParser(description="Write what this release leaves behind, for later ones to open.")
    parser.add_argument("version", help="of the release: 0.1.0")
    version = parser.parse_args().version
    fixture = Fixture(FIXTURES / version)
    if fixture.folder.exists():
        return _failed(f"{fixture.folder} is there: no later code may write it again.")
    with tempfile.TemporaryDirectory(prefix="paystream-upgrade-", ignore_cleanup_errors=True) as home:
        asyncio.run(_generate(Path(home), fixture))
    size = sum(each.stat().st_size for each in fixture.folder.iterdir())
    sys.stdout.write(f"Wrote {fixture.folder}: {size // 1024} KiB\n")
    if size > _LARGEST_BYTES:
        return _failed(f"That is more than {_LARGEST_BYTES // 1024} KiB: let the story be shorter.")
    return 0


def _failed(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


async def _generate(home: Path, fixture: Fixture) -> None:
    async with (
        Stack(home, fsync=False, settings=_SETTINGS) as stack,
        SandboxAdmin(stack.urls.sandbox) as bank,
    ):
        system = System(stack)
        try:
            await _keep(system, Story(system=system, bank=bank), fixture)
        finally:
            await system.close()


async def _keep(system: System, story: Story, fixture: Fixture) -> None:
    await story.play()
    await story.pay_out()
    await story.scheduled()
    await story.send_garbage()
    reconciled = await story.reconcile(_ZONE)
    await is_quiet(system, story.bank)
    open_tasks = await story.leave_undone()
    open_payments = {story.payments[name] for name in open_tasks}
    await is_quiet(system, story.bank, open_payments=open_payments, without={GATEWAY})

    answers = await read_everything(system.query, story.payments.values())
    commands = [await _stored_answer(system, *each) for each in story.commands]
    for component in system.stack.components:
        if component.name not in _SERVERS:
            system.stack.kill(component.name)
    manifest = Manifest(
        version=fixture.version,
        written_at=datetime.now(UTC),
        partitions=kafka_settings(system.stack).kafka_topic_partitions,
        payments=story.payments,
        reconciled=reconciled,
        commands=commands,
        open_tasks=open_tasks,
        set_task_age=_TASK_AGE,
        **await _database_content(system.stack),
    )
    contents = {
        "topics": await _topics(system.stack),
        "database": await asyncio.to_thread(_dump_database, system.stack.database_url()),
        "sandbox": _dump_sandbox(system.stack.home.path / SANDBOX_DATA),
    }
    _check_clean(system.stack.home, contents)
    fixture.write(manifest=manifest, answers=answers, **contents)


async def _stored_answer(system: System, path: str, key: str, body: Json) -> SentCommand:
    """Return what is answered to a command that is sent again, though Redis knows nothing of it."""
    await system.stack.flush_redis()
    answer = await system.command.post(path, json=body, headers={"Idempotency-Key": key})
    assert answer.headers["Idempotent-Replayed"] == "true", answer.text
    return SentCommand(path=path, key=key, body=body, status=answer.status_code, response=answer.text)


async def _database_content(stack: Stack) -> dict[str, Any]:
    """Return what the manifest says of the database."""
    async with await psycopg.AsyncConnection.connect(stack.database_url()) as conn:

        async def rows(query: str) -> list[Any]:
            return await (await conn.execute(query)).fetchall()

        recorded = {name for (name,) in await rows(_TYPES)}
        if missing := {each.name for each in EVENT_TYPES} - recorded - NOT_IN_STORY.keys():
            raise ValueError(f"nothing in the story comes to {', '.join(sorted(missing))}: story.py")
        if empty := [name for name, found in (await rows_of(conn, "read_model")).items() if not found]:
            raise ValueError(f"nothing in the story fills {', '.join(empty)}: story.py")
        ((revision,),) = await rows("SELECT version_num FROM alembic_version")
        return {
            "revision": revision,
            "events": dict(await rows(_EVENTS)),
            "dead_letters": [KeptLetter(**each) for (each,) in await rows(_LETTERS)],
        }


async def _topics(stack: Stack) -> bytes:
    settings = kafka_settings(stack)
    of_one = settings.model_copy(update={"kafka_topic_partitions": 1})
    topics = dict.fromkeys(event_topics(), settings)
    topics |= dict.fromkeys((*dead_letter_topics(), RELAY_PROGRESS), of_one)
    found = []
    for name, reading in topics.items():
        for records in (await read_topic(reading, name)).values():
            found += records
    return written_records(found)


def _dump_database(url: str) -> bytes:
    """Return the database as SQL: roles are the server's, and not in it."""
    server = urlsplit(url)
    done = subprocess.run(
        [
            postgres_bin() / "pg_dump",
            *("--host", str(server.hostname), "--port", str(server.port), "--username", str(server.username)),
            # The key is only to be hard to guess where a foreign dump is restored.
            *("--no-owner", "--no-unlogged-table-data", "--restrict-key", "upgrade"),
            server.path.removeprefix("/"),
        ],
        env={**os.environ, "PGPASSWORD": unquote(server.password or "")},
        capture_output=True,
        check=True,
    )
    return done.stdout


def _dump_sandbox(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("without_secrets", 1, _without_secrets)
        for table, column in (("objects", "body"), ("events", "told"), ("idempotency_keys", "body")):
            connection.execute(f"UPDATE {table} SET {column} = without_secrets({column})")
        ((version,),) = connection.execute("PRAGMA user_version")
        lines = [*connection.iterdump(), f"PRAGMA user_version = {version};"]
    return "\n".join(lines).encode()


def _without_secrets(body: str | bytes) -> str | bytes:
    """Take the client secrets out of what the sandbox keeps: its own, but they look like those of any account."""
    if isinstance(body, str):
        return _CLIENT_SECRET.sub(r"\1removed", body)
    return _CLIENT_SECRET.sub(r"\1removed", body.decode()).encode()


def _check_clean(home: Home, contents: Mapping[str, bytes]) -> None:
    """Refuse to write what belongs to this machine, or is secret."""
    passwords = load_or_create(home)
    foreign = {
        "a password": [getattr(passwords, name) for name in passwords.__slots__],
        "a path of this machine": [str(home.path), str(Path.cwd()), str(Path.home())],
        "the name of this machine": [socket.gethostname()],
    }
    # As words: ids are random, and a short name can stand in one of them.
    patterns = {what: "|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in texts) for what, texts in foreign.items()}
    patterns |= {"a live key": r"(sk|rk)_live_\w", "a client secret": r"_secret_(?!removed)\w"}
    for what, pattern in patterns.items():
        for name, content in contents.items():
            if (match := re.search(pattern.encode(), content)) is not None:
                around = content[max(match.start() - 80, 0) : match.end() + 20]
                raise ValueError(f"{name} holds {what}: {around!r}")


if __name__ == "__main__":
    sys.exit(main())
