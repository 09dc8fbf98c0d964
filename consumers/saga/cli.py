"""`paystream sagas`: sagas that are on their way, and those that need a person."""

from typing import Annotated
from uuid import UUID

import typer

from infra.cli.commands import JSON_LINES, LARGEST_INTEGER, actor_option, actor_or_user, command_group, reason_option

sagas = command_group("Sagas: split payments, and what becomes of them.", settings_of=("worker-sagas",))

_SAGA = typer.Argument(metavar="SAGA", help="Its id, as the list shows it: that of the split payment.")
_ACTOR = actor_option("Who does it; written into the saga's log.")
_REASON = reason_option("Why; written into the saga's log.")


@sagas.command("list", epilog="Example: paystream sagas list --status compensation_stuck")
def sagas_list(
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="running, committing, compensating, compensation_stuck, completed, compensated or given_up; may be "
            "repeated. [those that have not ended]"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most to show.")] = 50,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List sagas, the oldest first."""
    from consumers.saga.cli_run import run_list

    raise SystemExit(run_list(status, limit=limit, as_json=as_json))


@sagas.command("show", epilog="Example: paystream sagas show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def sagas_show(saga: Annotated[UUID, _SAGA]) -> None:
    """Show what happened to a saga, and what it waits for."""
    from consumers.saga.cli_run import run_show

    raise SystemExit(run_show(saga))


@sagas.command(
    "retry",
    epilog="Example: paystream sagas retry 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'the account is open again'",
)
def sagas_retry(
    saga: Annotated[UUID, _SAGA],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Try at once what could not be taken back."""
    from consumers.saga.cli_run import run_retry

    raise SystemExit(run_retry(saga, actor=actor_or_user(actor), reason=reason))


@sagas.command(
    "give-up", epilog="Example: paystream sagas give-up 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'settled by hand'"
)
def sagas_give_up(
    saga: Annotated[UUID, _SAGA],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
    force: Annotated[bool, typer.Option("--force", help="Though no operator was called for it.")] = False,
) -> None:
    """End a saga as it is.

    What was not taken back stands, and is for you to settle.
    """
    from consumers.saga.cli_run import run_give_up

    raise SystemExit(run_give_up(saga, actor=actor_or_user(actor), reason=reason, force=force))
