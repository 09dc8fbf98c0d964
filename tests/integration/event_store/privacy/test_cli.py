"""`paystream privacy`, as an operator runs it."""

import base64
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.ids import PaymentId
from event_store.payments import load_payment
from event_store.store import Connection, append
from tests.support.database import Database
from tests.support.events_of_a_newer_release import append_unknown_event
from tests.support.paystream_command import Ended, paystream
from tests.support.personal_payments import EMAIL, MERCHANT, USER, a_payment, known_to_stripe
from tests.support.vaults import WRAPPING_KEYS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

OF_USER = (USER, "--merchant", MERCHANT, "--reason", "case 4711", "--actor", "privacy@shop.example")
NEWER = base64.b64encode(bytes(reversed(range(32)))).decode()


async def privacy(database: Database, folder: Path, *arguments: str, newer: bool = False) -> Ended:
    keys = [f"{name}:{base64.b64encode(key).decode()}" for name, key in WRAPPING_KEYS.items()]
    settings: dict[str, Any] = {
        "database_url": database.url("erasure"),
        "privacy_wrapping_keys": ",".join([f"newer:{NEWER}", *keys] if newer else keys),
        "privacy_key_cache_s": 0,
    }
    return await paystream("privacy", *arguments, cwd=folder, settings=settings)


async def a_known_payment(connection: Connection) -> None:
    item = a_payment()
    await append(connection, [item])
    payment = await load_payment(connection, PaymentId(item.stream_id))
    await append(connection, [known_to_stripe(payment, item.stream_id)])


async def test_a_user_is_exported_erased_and_exported(
    database: Database, encrypting: Connection, tmp_path: Path
) -> None:
    await a_known_payment(encrypting)
    before = await privacy(database, tmp_path, "export", *OF_USER, "--output", "before.json")
    assert (before.code, before.errors) == (0, "")
    assert EMAIL in (tmp_path / "before.json").read_text()
    assert (tmp_path / "before.json").stat().st_mode & 0o077 == 0, "only for who asked"
    erased = await privacy(database, tmp_path, "erase", *OF_USER, "--yes")
    assert erased.code == 0, erased.errors
    assert "2 keys destroyed" in erased.output
    assert "objects[payment_intents][]=pi_ada" in erased.output
    after = await privacy(database, tmp_path, "export", *OF_USER)
    assert (EMAIL in after.output, "[erased]" in after.output, "privacy.user_erased" in after.output) == (
        *(False, True, True),
    )


async def test_of_whom_nothing_was_recorded_that_is_said(
    database: Database, encrypting: Connection, tmp_path: Path
) -> None:
    await a_known_payment(encrypting)
    misspelt = ("adda", *OF_USER[1:])
    said = "Nothing was ever recorded of this user of this merchant: check how both are written."
    exported = await privacy(database, tmp_path, "export", *misspelt, "--output", "data.json")
    assert (exported.code, exported.errors.strip()) == (0, said)
    erased = await privacy(database, tmp_path, "erase", *misspelt, "--yes")
    assert (erased.code, said in erased.output) == (0, True)
    known = await privacy(database, tmp_path, "erase", *OF_USER, "--yes")
    assert (known.code, said in known.output) == (0, False)


async def test_nobody_is_erased_without_a_yes(database: Database, encrypting: Connection, tmp_path: Path) -> None:
    await a_known_payment(encrypting)
    refused = await privacy(database, tmp_path, "erase", *OF_USER)
    assert (refused.code, "Nothing was erased" in refused.errors, "--yes" in refused.errors) == (1, True, True)
    assert EMAIL in (await privacy(database, tmp_path, "export", *OF_USER)).output


async def test_what_is_under_way_is_said_in_words(database: Database, encrypting: Connection, tmp_path: Path) -> None:
    await append(encrypting, [a_payment()])
    refused = await privacy(database, tmp_path, "erase", *OF_USER, "--yes")
    assert (refused.code, "1 payments of this user are under way" in refused.errors) == (1, True)


async def test_keys_are_wrapped_anew(database: Database, encrypting: Connection, tmp_path: Path) -> None:
    await a_known_payment(encrypting)
    done = await privacy(database, tmp_path, "rewrap", newer=True)
    assert (done.code, "1 keys are now wrapped with 'newer'" in done.output) == (0, True), done.errors
    async with await psycopg.AsyncConnection.connect(database.url("owner")) as owner:
        rows = await (await owner.execute("SELECT wrapping_key FROM privacy.data_keys")).fetchall()
    assert rows == [("newer",)]
    lacking = await privacy(database, tmp_path, "export", *OF_USER)
    assert (lacking.code, "no key 'newer'" in lacking.errors) == (1, True)


async def test_an_event_that_cannot_be_read_holds_up_no_export_and_is_named(
    database: Database, encrypting: Connection, tmp_path: Path
) -> None:
    item = a_payment()
    await append(encrypting, [item])
    payment = await load_payment(encrypting, PaymentId(item.stream_id))
    await append(encrypting, [known_to_stripe(payment, item.stream_id)])
    event_id = await append_unknown_event(encrypting, item.stream_id)
    exported = await privacy(database, tmp_path, "export", *OF_USER, "--output", "data.json")
    assert (exported.code, exported.errors) == (0, "")
    assert all(each in (tmp_path / "data.json").read_text() for each in (EMAIL, "payment.from_the_future"))
    refused = await privacy(database, tmp_path, "erase", *OF_USER, "--yes")
    assert refused.code == 1
    assert "Traceback" not in refused.errors
    assert f"event {event_id}" in refused.errors
    erased = await privacy(database, tmp_path, "erase", *OF_USER, "--yes", "--force")
    assert (erased.code, erased.errors) == (0, "")
    assert "1 payments were found; 1 were told" in erased.output
