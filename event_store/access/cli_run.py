"""Runs `paystream merchants`, `keys` and `recovery-codes`, and prints what came of it."""

import dataclasses
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import psycopg
from rich.table import Table
from rich.text import Text

from domain.access.scopes import MERCHANT_SCOPES
from domain.ids import MerchantId
from event_store.access.admin import (
    AccessAdmin,
    AccessRefused,
    By,
    ListedKey,
    WrongAccessOption,
    find_key,
    list_keys,
    list_merchants,
)
from event_store.access.log import AccessLog
from event_store.access.secrets import NewSecret, draw_key
from event_store.access.staff import StaffAccess
from event_store.command_line import run
from infra.cli.output import console, plain_table, print_json_lines, printable
from infra.postgres.pool import Connection
from infra.settings.loading import load_settings
from infra.settings.postgres import AccessDatabaseSettings

_DAY_S = 24 * 3600
_STAFF_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._@+-]{0,63}")


def run_create_merchant(merchant_id: str, name: str, *, actor: str, reason: str) -> int:
    """Create it; return the exit code."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        await AccessAdmin(conn, By(actor=actor, reason=reason)).create_merchant(MerchantId(merchant_id), name)
        print(
            f"The merchant {merchant_id} is there. "
            f"Its first key: paystream keys create --merchant {merchant_id} --reason ..."
        )
        return 0

    return _run(work)


def run_list_merchants(*, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        found = await list_merchants(conn)
        if as_json:
            print_json_lines(found)
            return 0
        if not found:
            print("No merchants. The keys of API_KEYS name theirs by themselves.")
            return 0
        table = _table("Merchant", "Name", "Created (UTC)", "Valid keys")
        for each in found:
            cells = (each.merchant_id, printable(each.name), _moment(each.created_at), str(each.valid_keys))
            table.add_row(*map(Text, cells))
        console().print(table)
        return 0

    return _run(work)


def run_create_key(merchant_id: str | None, scopes: Sequence[str], *, days: int | None, actor: str, reason: str) -> int:
    """Make a key and print it, this once; return the exit code."""

    async def work(conn: Connection, settings: AccessDatabaseSettings) -> int:
        secret, now = draw_key(is_production=settings.app_env == "production"), int(time.time())
        key_id = await AccessAdmin(conn, By(actor=actor, reason=reason)).create_key(
            secret,
            merchant_id=None if merchant_id is None else MerchantId(merchant_id),
            scopes=frozenset(scopes or (MERCHANT_SCOPES if merchant_id is not None else ())),
            now=now,
            expires_at=None if days is None else now + days * _DAY_S,
        )
        _show_once(secret, f"The key {key_id}")
        return 0

    return _run(work)


def run_list_keys(beginning: str | None, *, merchant: str | None, ended_too: bool, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        found = await list_keys(conn, beginning=beginning, merchant_id=merchant, ended_too=ended_too)
        if as_json:
            now = datetime.now(UTC)
            rows = (dataclasses.asdict(each) | {"state": _state(each, now)} for each in found)
            print_json_lines(rows, as_it_is=["prefix"])
            return 0
        if not found:
            print("No such keys. Those of API_KEYS are not in this list.")
            return 0
        table = _table("Key", "Id", "Whose", "Scopes", "Created (UTC)", "Last used (UTC)", "State")
        for each in found:
            cells = (
                *(f"{each.prefix}...", str(each.key_id), each.merchant_id or "(operator)", " ".join(each.scopes)),
                *(_moment(each.created_at), _moment(each.last_used_at), _state(each, datetime.now(UTC))),
            )
            table.add_row(*map(Text, cells))
        console().print(table)
        return 0

    return _run(work)


def run_map_keys(cell: str) -> int:
    """Print a line for each key that is valid; return the exit code."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        for each in await list_keys(conn):
            print(each.prefix, cell)
        return 0

    return _run(work)


def run_revoke_key(named: str, *, actor: str, reason: str) -> int:
    """Revoke a key; return the exit code."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        key = await find_key(conn, named)
        is_new = await AccessAdmin(conn, By(actor=actor, reason=reason)).revoke_key(key)
        print(f"The key {key.prefix}... {'is revoked' if is_new else 'was revoked before'}.")
        return 0

    return _run(work)


def run_rotate_key(named: str, *, hours: int, actor: str, reason: str) -> int:
    """Make a key's successor and print it, this once; return the exit code."""

    async def work(conn: Connection, settings: AccessDatabaseSettings) -> int:
        old, secret = await find_key(conn, named), draw_key(is_production=settings.app_env == "production")
        admin = AccessAdmin(conn, By(actor=actor, reason=reason))
        key_id = await admin.rotate_key(secret, old, now=int(time.time()), valid_for_s=hours * 3600)
        _show_once(secret, f"The key {key_id}, successor of {old.prefix}... (valid for {hours} h at most)")
        return 0

    return _run(work)


def run_reset_recovery_codes(name: str, *, actor: str, reason: str, force: bool) -> int:
    """Make them and print them, this once; return the exit code. `force`: for who never logged in, too."""

    async def work(conn: Connection, _: AccessDatabaseSettings) -> int:
        if not _STAFF_NAME.fullmatch(name):
            raise WrongAccessOption(f"{name!r} is no name: a letter, then letters, digits and any of . _ @ + -")
        staff = StaffAccess(conn, AccessLog(conn), name=name, actor=f"operator:{actor}")
        if not force and not await staff.is_known():
            raise AccessRefused(
                f"nobody of the name {name} was ever logged in to the back office. Remedy: write it as in "
                "BACK_OFFICE_STAFF; if it is, and the account is new: --force"
            )
        codes = await staff.make_codes(reason=reason)
        print(f"Recovery codes of {name}, shown this once; those before are not valid any more:", file=sys.stderr)
        print("\n".join(codes))
        return 0

    return _run(work)


def _show_once(secret: NewSecret, what: str) -> None:
    """Print what people read to stderr, and the key alone to stdout: it can be piped into a secret store."""
    print(f"{what}, shown this once:", file=sys.stderr)
    print(secret.key)


def _table(*columns: str) -> Table:
    table = plain_table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _state(key: ListedKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_moment(key.revoked_at)}"
    if key.expires_at is not None:
        return f"{'expired' if key.expires_at <= now else 'until'} {_moment(key.expires_at)}"
    return "valid"


def _run(work: Callable[[Connection, AccessDatabaseSettings], Awaitable[int]]) -> int:
    settings = load_settings(AccessDatabaseSettings)

    async def connected() -> int:
        url = settings.access_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            return await work(conn, settings)

    return run(connected())
