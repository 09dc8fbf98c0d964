"""`paystream merchants` and `paystream keys`, as an operator types them."""

import json
from pathlib import Path

import psycopg
import pytest

from event_store.access.recovery_codes import matches, parse_code
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
    (line,) = (await run("keys", "list", key[:13], "--json")).output.splitlines()
    described = json.loads(line)
    assert (described["prefix"], described["merchant_id"]) == (key[:17], "shop")
    assert key not in line
    (shop,) = (await run("merchants", "list", "--json")).output.splitlines()
    assert json.loads(shop) | {"created_at": ""} == {
        "merchant_id": "shop",
        "name": "A shop",
        "created_at": "",
        "valid_keys": 1,
    }
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
    assert "Remedy: paystream merchants create nobody --reason ..." in refused.errors
    for_ever = await paystream(
        *("keys", "create", "--operator", "--scope", "finance:read", "--reason", "a test", "--days", "3651"),
        cwd=tmp_path,
        settings=settings,
    )
    assert (for_ever.code, "3650" in for_ever.errors) == (2, True), for_ever.errors
    nobody = await paystream("keys", "create", "--reason", "a test", cwd=tmp_path, settings=settings)
    assert nobody.code == 2
    assert "--merchant or --operator" in nobody.errors
    scope = await paystream(
        *("keys", "create", "--operator", "--scope", "payments:read", "--reason", "a test"),
        cwd=tmp_path,
        settings=settings,
    )
    assert scope.code == 2
    assert "cannot have payments:read" in scope.errors


async def test_an_operator_resets_the_recovery_codes_of_somebody(database: Database, tmp_path: Path) -> None:
    settings = {"access_database_url": database.url("access")}

    async def reset(name: str, *options: str) -> Ended:
        return await paystream(
            *("recovery-codes", "reset", name, "--reason", "the phone was stolen", "--actor", "root", *options),
            cwd=tmp_path,
            settings=settings,
        )

    nobody = await reset("olga")
    assert (nobody.code, nobody.output) == (1, "")
    assert "nobody of the name olga was ever logged in" in nobody.errors
    first, second = await reset("olga", "--force"), await reset("Olga")
    assert (first.code, second.code) == (0, 0), first.errors
    codes = second.output.split()
    assert (len(first.output.split()), len(codes)) == (10, 10)
    assert not [code for code in codes if code in second.errors]
    refused = await reset("o l")
    assert (refused.code, refused.output, "is no name" in refused.errors) == (2, "", True)
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        kept = await (await owner.execute("SELECT name, hash FROM access.recovery_codes ORDER BY number")).fetchall()
        rows = await (
            await owner.execute("SELECT type, data->>'reason', metadata->>'actor' FROM event_store.events")
        ).fetchall()
    assert {name for name, _ in kept} == {"olga"}
    parsed = [parse_code(code) for code in codes]
    assert [await matches(known, each[1]) for (_, known), each in zip(kept, parsed, strict=True) if each] == [True] * 10
    assert rows == [("access.recovery_codes_made", "the phone was stolen", "operator:root")] * 2
