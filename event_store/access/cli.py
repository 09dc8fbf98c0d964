"""`paystream merchants`, `keys` and `recovery-codes`: who may call the APIs, and log in without an app that is lost."""

import re
from typing import Annotated

import typer

from infra.cli.commands import JSON_LINES, actor_option, actor_or_user, command_group, reason_option

merchants = command_group("Merchants, whose payments the APIs take.", settings_of=["access"])
keys = command_group("API keys of merchants and of the operator.", settings_of=["access"])
recovery_codes = command_group("Recovery codes of the staff of the back office.", settings_of=["access"])

MAX_DAYS = 3650
"""For how long a key may be made, as over HTTP."""
_CELL = re.compile(r"[A-Za-z0-9_-]+")
_ACTOR = actor_option("Who does it; kept with the event.")
_REASON = reason_option("Why; kept with the event.")
_KEY = typer.Argument(metavar="KEY", help="Its id, or how it begins (psk_live_Ab12): never the whole key.")


@merchants.command("create", epilog="Example: paystream merchants create shop --name 'A shop' --reason 'contract 17'")
def merchants_create(
    merchant_id: Annotated[str, typer.Argument(metavar="MERCHANT", help="Its id, which never changes.")],
    reason: Annotated[str, _REASON],
    name: Annotated[str | None, typer.Option(help="Its name for people. [its id]")] = None,
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Let a merchant be given keys."""
    from event_store.access.cli_run import run_create_merchant

    raise SystemExit(run_create_merchant(merchant_id, name or merchant_id, actor=actor_or_user(actor), reason=reason))


@merchants.command("list", epilog="Example: paystream merchants list --json")
def merchants_list(as_json: Annotated[bool, JSON_LINES] = False) -> None:
    """List merchants, and how many of their keys are valid."""
    from event_store.access.cli_run import run_list_merchants

    raise SystemExit(run_list_merchants(as_json=as_json))


@keys.command("create", epilog="Example: paystream keys create --merchant shop --reason 'the checkout' --days 365")
def keys_create(
    *,
    reason: Annotated[str, _REASON],
    merchant: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    operator: Annotated[bool, typer.Option("--operator", help="A key of the operator, for all merchants.")] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is for; may be repeated. Of a merchant: payments:write, refunds:write, payments:read, "
            "webhooks:write, actor:set [all five]. Of the operator: finance:read, finance:write, audit:read, "
            "admin:read, admin:write."
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=MAX_DAYS, help="How long it is valid. [until it is revoked]")
    ] = None,
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Make a key, and show it once."""
    from event_store.access.cli_run import run_create_key

    if operator == (merchant is not None):
        raise typer.BadParameter("give --merchant or --operator")
    raise SystemExit(run_create_key(merchant, scope or [], days=days, actor=actor_or_user(actor), reason=reason))


@keys.command("list", epilog="Example: paystream keys list --merchant shop --all")
def keys_list(
    beginning: Annotated[str | None, typer.Argument(help="Only keys that begin so, or the key of this id.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Only this merchant's.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List keys: whose they are, what for, and when they were used last."""
    from event_store.access.cli_run import run_list_keys

    raise SystemExit(run_list_keys(beginning, merchant=merchant, ended_too=every, as_json=as_json))


@keys.command("map", epilog="Example: paystream keys map cell-1")
def keys_map(
    cell: Annotated[str, typer.Argument(help="The name of this cell: letters, digits, - and _.")],
) -> None:
    """Print how each valid key begins, and its cell: a proxy's map."""
    from event_store.access.cli_run import run_map_keys

    if not _CELL.fullmatch(cell):
        raise typer.BadParameter("is not made of letters, digits, - and _")
    raise SystemExit(run_map_keys(cell))


@keys.command("revoke", epilog="Example: paystream keys revoke psk_live_Ab12Cd34 --reason 'found in a log'")
def keys_revoke(
    key: Annotated[str, _KEY],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """End a key. The APIs refuse it within seconds."""
    from event_store.access.cli_run import run_revoke_key

    raise SystemExit(run_revoke_key(key, actor=actor_or_user(actor), reason=reason))


@keys.command(
    "rotate", epilog="Example: paystream keys rotate psk_live_Ab12Cd34 --old-valid-hours 24 --reason 'once a year'"
)
def keys_rotate(
    key: Annotated[str, _KEY],
    reason: Annotated[str, _REASON],
    hours: Annotated[
        int, typer.Option("--old-valid-hours", min=0, max=720, help="How long the old key stays valid.")
    ] = 24,
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Make the successor of a key, and show it once. The old one stays valid for a while."""
    from event_store.access.cli_run import run_rotate_key

    raise SystemExit(run_rotate_key(key, hours=hours, actor=actor_or_user(actor), reason=reason))


@recovery_codes.callback()
def _group() -> None:
    """Keep the command in a group."""


@recovery_codes.command("reset", epilog="Example: paystream recovery-codes reset anna --reason 'lost her phone'")
def recovery_codes_reset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name in BACK_OFFICE_STAFF.")],
    reason: Annotated[str, _REASON],
    *,
    actor: Annotated[str | None, _ACTOR] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Though nobody of that name was ever logged in: the account is new.")
    ] = False,
) -> None:
    """Make new recovery codes for somebody, and show them once.

    For who lost app and codes. The old ones are not valid any more.
    """
    from event_store.access.cli_run import run_reset_recovery_codes

    raise SystemExit(run_reset_recovery_codes(name, actor=actor_or_user(actor), reason=reason, force=force))
