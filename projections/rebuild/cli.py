"""`paystream projections`: what the read model is built of, and how any of it is built anew."""

from typing import Annotated

import typer

from infra.cli.commands import JSON_LINES, LARGEST_INTEGER, actor_option, actor_or_user, command_group, reason_option

projections = command_group("The read model, and its rebuilds.", settings_of=["migrate", "projector"])

_NAME = typer.Argument(metavar="NAME", help="The projection, as `list` names it.")
_ACTOR = actor_option("Who does it; kept with the build.")
_FORCE = typer.Option("--force", help="Swap although rows differ: the rebuilt ones are meant.")
_REASON = reason_option("Why it is forced; kept with the build.")
_LIMIT = typer.Option(min=1, max=LARGEST_INTEGER, help="The most differing rows to print of a table.")


@projections.command("list", epilog="Example: paystream projections list --json")
def projections_list(as_json: Annotated[bool, JSON_LINES] = False) -> None:
    """List the projections, and how far they have come."""
    from projections.rebuild.cli_show import run_list

    raise SystemExit(run_list(as_json=as_json))


@projections.command("status", epilog="Example: paystream projections status ledger")
def projections_status(
    projection: Annotated[str | None, typer.Argument(metavar="NAME", help="Of one projection alone.")] = None,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Show builds, the newest first."""
    from projections.rebuild.cli_show import run_status

    raise SystemExit(run_status(projection, as_json=as_json))


@projections.command("rebuild", epilog="Example: paystream projections rebuild payments ledger")
def projections_rebuild(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The projections, as `list` names them.")],
    *,
    swap: Annotated[bool, typer.Option("--swap", help="Swap at once, if no row differs.")] = False,
    actor: Annotated[str | None, _ACTOR] = None,
    limit: Annotated[int, _LIMIT] = 20,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Build projections anew beside the live ones.

    From the log, until each has caught up; then both are compared. One that was interrupted goes on. Of several, the
    log is read once. Exit code 1 says that a row differs.
    """
    from projections.rebuild.cli_run import Request, run_rebuild

    request = Request(projections=tuple(names), actor=actor_or_user(actor), limit=limit, as_json=as_json)
    raise SystemExit(run_rebuild(request, swap=swap))


@projections.command("swap", epilog="Example: paystream projections swap payments")
def projections_swap(
    projection: Annotated[str, _NAME],
    *,
    force: Annotated[bool, _FORCE] = False,
    reason: Annotated[str | None, _REASON] = None,
    actor: Annotated[str | None, _ACTOR] = None,
    limit: Annotated[int, _LIMIT] = 20,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Make the build live.

    It catches up and is compared once more before. The tables that it replaces stay until they are dropped.
    """
    from projections.rebuild.cli_run import Request, run_swap

    request = Request(projections=(projection,), actor=actor_or_user(actor), limit=limit, as_json=as_json)
    raise SystemExit(run_swap(request, force=force, reason=reason))


@projections.command("drop", epilog="Example: paystream projections drop payments")
def projections_drop(
    projection: Annotated[str, _NAME],
    *,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Drop the build that was not swapped, instead of replaced tables.")
    ] = False,
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Drop the tables that were replaced."""
    from projections.rebuild.cli_run import run_drop

    raise SystemExit(run_drop(projection, unfinished=unfinished, actor=actor_or_user(actor)))
