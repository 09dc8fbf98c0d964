"""`paystream merchants` and `paystream keys`, as an operator types them."""

from pathlib import Path

import psycopg
import pytest

from tests.support.database import Database
from tests.support.paystream_command import Ended, paystream

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def test_an_operator_makes_replaces_and_ends_a_key(database: Database, tmp_path: Path) -> None:
    settings = {"access_database_url": database.url("access"), "app_env": "test"}

    async def run(*arguments: str) -> Ended:
        return await paystream(*arguments, cwd=tmp_path, settings=settings)

    made = await run("merchants", "create", "shop", "--name", "A shop", "--reason", "contract 17")
    assert made.code == 0, made.errors
    created = await run("keys", "create", "--merchant", "shop", "--reason", "the checkout", "--days", "365")
    assert created.code == 0, created.errors
    key = created.output.strip()
    assert key.startswith("psk_test_"), "stdout has the key and nothing else"
    assert key not in created.errors
    listed = await run("keys", "list", key[:13])
    assert key[:17] in listed.output
    assert key not in listed.output
    assert "payments:read payments:write refunds:write" in listed.output
    assert (await run("keys", "map", "cell-1")).output == f"{key[:17]} cell-1\n"
    assert (await run("keys", "map", "cell 1")).code == 2
    rotated = await run("keys", "rotate", key[:17], "--reason", "once a year", "--old-valid-hours", "2")
    assert rotated.code == 0, rotated.errors
    assert rotated.output.strip().startswith("psk_test_")
    revoked = await run("keys", "revoke", key[:17], "--reason", "everybody has the new one")
    assert "is revoked" in revoked.output
    successor = rotated.output.strip()
    assert (await run("keys", "map", "cell-1")).output == f"{successor[:17]} cell-1\n", "no key that has ended"
    everything = (await run("keys", "list", "--merchant", "shop", "--all")).output
    assert "revoked 20" in everything
    assert "until 20" in everything
    assert "A shop" in (await run("merchants", "list")).output
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        rows = await (await owner.execute("SELECT type FROM event_store.events ORDER BY position")).fetchall()
    recorded = ["merchant_created", "key_created", "key_created", "key_rotated", "key_revoked"]
    assert [row[0] for row in rows] == [f"access.{each}" for each in recorded]


async def test_what_cannot_be_is_said_in_a_line(database: Database, tmp_path: Path) -> None:
    settings = {"access_database_url": database.url("access")}
    refused = await paystream(
        *("keys", "create", "--merchant", "nobody", "--reason", "a test"), cwd=tmp_path, settings=settings
    )
    assert (refused.code, refused.output) == (1, "")
    assert "there is no merchant nobody" in refused.errors
    nobody = await paystream("keys", "create", "--reason", "a test", cwd=tmp_path, settings=settings)
    assert nobody.code == 2
    assert "--merchant or --operator" in nobody.errors
    scope = await paystream(
        *("keys", "create", "--operator", "--scope", "payments:read", "--reason", "a test"),
        cwd=tmp_path,
        settings=settings,
    )
    assert scope.code == 1
    assert "cannot have payments:read" in scope.errors
