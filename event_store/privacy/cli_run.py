"""Runs `paystream privacy`, and prints what was done and what could not be."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import psycopg

from domain.ids import MerchantId
from event_store.archive.one_log import OneLog
from event_store.command_line import run
from event_store.privacy.erase import Erased, ErasureRefused, Order, erase, record_export
from event_store.privacy.export import exported
from event_store.privacy.rewrap import rewrap
from event_store.privacy.vault import AnyVault, open_vault
from infra.errors import WrongOption, WrongSetting
from infra.files import whole_file
from infra.postgres.pool import Connection
from infra.settings.archive import ArchiveFolderSettings
from infra.settings.loading import load_settings
from infra.settings.privacy import VaultSettings
from schemas.personal import Subject

_REDACTED_BY_STRIPE = {"payment_intents": ("pi_",), "charges": ("ch_", "py_"), "customers": ("cus_",)}


_MARGIN_S = 1.0
_NOTHING_RECORDED = "Nothing was ever recorded of this user of this merchant: check how both are written."


class ErasureSettings(VaultSettings, ArchiveFolderSettings):
    """What the commands need. `database_url` is of the role paystream_erasure."""


def run_erase(user: str, merchant: str, *, actor: str, reason: str, force: bool, yes: bool) -> int:
    """Erase a user and print what came of it; return the exit code."""

    async def work(conn: Connection, settings: ErasureSettings, _: AnyVault) -> int:
        order = _order(user, merchant, actor=actor, reason=reason)
        if not yes:
            _confirm(f"Erase the personal data of {user!r} of {merchant} for ever? [y/N] ")
        done = await erase(
            conn,
            order,
            metadata_keys=settings.privacy_metadata_keys,
            force=force,
            forgotten_after_s=settings.privacy_key_cache_s + _MARGIN_S,
        )
        print_erased(done)
        return 0

    return _run(work)


def run_export(user: str, merchant: str, *, actor: str, reason: str, output: Path | None) -> int:
    """Hand a user's data out; return the exit code."""

    async def work(conn: Connection, settings: ErasureSettings, vault: AnyVault) -> int:
        order = _order(user, merchant, actor=actor, reason=reason)
        log = await OneLog.open(conn, settings.archive_folder)
        document, events = await exported(conn, vault, order.subject, log=log)
        if not any(document[kind] for kind in ("payments", "split_payments", "stripe_events")):
            print(_NOTHING_RECORDED, file=sys.stderr)
        await record_export(conn, order, events=events)
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z, default=str)
        if output is None:
            print(text.decode())
            return 0
        with whole_file(output) as path:
            path.touch(mode=0o600)
            path.write_bytes(text)
        print(f"{events} events are in {output}.")
        return 0

    return _run(work)


def run_rewrap() -> int:
    """Wrap all keys with the newest wrapping key; return the exit code."""

    async def work(conn: Connection, settings: ErasureSettings, _: AnyVault) -> int:
        if not settings.wrapping_keys:
            raise WrongSetting("PRIVACY_WRAPPING_KEYS is not set")
        newest = next(iter(settings.wrapping_keys))
        count = await rewrap(conn, settings.wrapping_keys)
        print(
            f"{count} keys are now wrapped with {newest!r}; all are. The other wrapping keys are not needed any more."
        )
        return 0

    return _run(work)


def print_erased(done: Erased) -> None:
    """Print the receipt, and what an operator has to see to elsewhere."""
    receipt = done.receipt
    print(f"Erasure {receipt.erasure_id}: {len(receipt.keys)} keys destroyed, at position {done.position} of the log.")
    print(f"{len(done.found.streams)} payments were found; {done.streams} were told now that data of theirs is erased.")
    print(f"{receipt.webhook_answers} answers of endpoints to webhooks were taken away.")
    if not done.found.streams and not receipt.keys:
        print(_NOTHING_RECORDED)
    print("The read model follows within seconds.")
    print("\nNot reached:")
    if receipt.in_clear:
        print(
            f"- {receipt.in_clear} events of this user were recorded before personal data was encrypted. They stay as "
            "they are in the log and in Kafka; the read model shows them as erased."
        )
    print("- other services that consume from Kafka: `personal_data_erased` tells them what to remove of their copies")
    print("- backups of the keys, until they expire (docs/privacy.md)")
    ids = {
        kind: [each for each in sorted(done.found.references) if each.startswith(prefixes)]
        for kind, prefixes in _REDACTED_BY_STRIPE.items()
    }
    if not any(ids.values()):
        print("- Stripe: nothing of this user is known there")
        return
    print("- balance transactions of refunds, disputes and captures that are yet to come: erase again after them")
    print("- Stripe, which redacts on request (https://docs.stripe.com/privacy/redaction):")
    print('    curl https://api.stripe.com/v1/privacy/redaction_jobs -u "$STRIPE_SECRET_KEY:" \\')
    objects = [f'    -d "objects[{kind}][]={each}"' for kind, found in ids.items() for each in found]
    print(" \\\n".join([*objects, "    -d validation_behavior=fix"]))


def _order(user: str, merchant: str, *, actor: str, reason: str) -> Order:
    if not reason.strip():
        raise WrongOption("give a --reason")
    return Order(subject=Subject.user(MerchantId(merchant), user), actor=actor, reason=reason)


def _confirm(question: str) -> None:
    """Ask at the terminal. Raises ErasureRefused when the answer is no, or there is nobody to ask."""
    if not sys.stdin.isatty():
        raise ErasureRefused("Nothing was erased: there is no terminal to ask at. Remedy: --yes")
    if input(question).strip().lower() not in {"y", "yes"}:
        raise ErasureRefused("Nothing was erased.")


def _run(work: Callable[[Connection, ErasureSettings, AnyVault], Awaitable[int]]) -> int:
    settings = load_settings(ErasureSettings)

    async def connected() -> int:
        url = settings.database_url.get_secret_value()
        async with (
            open_vault(settings, "privacy") as vault,
            await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn,
        ):
            return await work(conn, settings, vault)

    return run(connected())
