"""What `paystream staff list`, `lock` and `unlock` do: over HTTP, with the key and the settings of the back office."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from rich.text import Text

from back_office.apis.client import Api
from back_office.apis.errors import ApiAway, ApiError, ApiRefused
from back_office.operations.operation import check_reason
from back_office.settings import BackOfficeSettings
from back_office.staff.locks import KnownLocks, StaffLocks
from back_office.staff.passwords import Accounts
from back_office.web.addresses import segment
from back_office.web.words import actor_words
from infra.cli.execute import run
from infra.cli.output import console, plain_table, print_json_lines, printable
from infra.settings.loading import load_settings
from infra.settings.staff import StaffAccount


def run_list(*, as_json: bool) -> int:
    """Print who has an account, and who is locked; return the exit code."""

    async def work(api: Api, settings: BackOfficeSettings) -> int:
        known = await StaffLocks(api).current()
        accounts = Accounts(settings.back_office_staff).all
        if as_json:
            print_json_lines(_described(each, known) for each in accounts)
            return 0
        table = plain_table()
        for column in ("Name", "Role", "Second factor", "State"):
            table.add_column(column, overflow="fold")
        for account in accounts:
            table.add_row(*map(Text, (account.name, account.role, _factor(account), _state(account, known))))
        console().print(table)
        return 0

    return _run(work)


def run_change(name: str, change: str, *, actor: str, reason: str) -> int:
    """Lock or unlock somebody, and say what came of it; return the exit code."""

    async def work(api: Api, settings: BackOfficeSettings) -> int:
        mistakes: dict[str, str] = {}
        check_reason(reason.strip(), mistakes)
        account = Accounts(settings.back_office_staff).named(name)
        if account is None:
            mistakes["name"] = f"BACK_OFFICE_STAFF has no account of the name {printable(name)}."
        if mistakes or account is None:
            return _failed(" ".join(mistakes.values()))
        path = f"/staff/{segment(account.name)}/{change}"
        try:
            answer = await api.post(path, {"reason": reason.strip()}, {"Paystream-Actor": actor})
        except ApiAway as error:
            return _failed(f"{_text(error)}. It may be done: paystream staff list says so once it answers")
        print(printable(answer.body["said"]))
        return 0

    return _run(work)


def _described(account: StaffAccount, known: KnownLocks) -> dict[str, Any]:
    lock = known.of(account.name)
    locked = None if lock is None else {"actor": lock.actor, "at": lock.changed_at, "reason": lock.reason}
    return {"name": account.name, "role": account.role, "second_factor": _factor(account), "locked": locked}


def _factor(account: StaffAccount) -> str:
    return "app" if account.totp_secret is not None else "none"


def _state(account: StaffAccount, known: KnownLocks) -> str:
    lock = known.of(account.name)
    if lock is None:
        return "open"
    return printable(f"locked by {actor_words(lock.actor)}, {lock.changed_at}: {lock.reason}")


def _run(work: Callable[[Api, BackOfficeSettings], Awaitable[int]]) -> int:
    settings = load_settings(BackOfficeSettings)
    secret = settings.back_office_operator_api_key or settings.back_office_api_key
    timeout_s = settings.back_office_api_timeout_ms / 1000

    async def connected() -> int:
        url = settings.back_office_command_api_url
        api = Api.at(url, key=secret.get_secret_value(), timeout_s=timeout_s, name="command API")
        try:
            return await work(api, settings)
        except ApiError as error:
            return _failed(_text(error))
        finally:
            await api.close()

    return run(connected())


def _text(error: ApiError) -> str:
    if isinstance(error, ApiRefused):
        return f"the {error.api} refused: {error.detail or error.status}"
    return f"the {error.api} does not answer"


def _failed(text: str) -> int:
    print(f"paystream: {text}", file=sys.stderr)
    return 1
