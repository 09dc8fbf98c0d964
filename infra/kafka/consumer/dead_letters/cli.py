"""`paystream dlq`: lists, shows, replays and discards dead letters."""

from typing import Annotated

import typer

from infra.cli.commands import (
    JSON_LINES,
    LARGEST_BIGINT,
    LARGEST_INTEGER,
    actor_option,
    actor_or_user,
    command_group,
    reason_option,
)

dlq = command_group("Dead letters: records that a consumer could not apply.", settings_of=["worker-stripe-gateway"])

_ID = typer.Argument(metavar="ID", min=0, max=LARGEST_BIGINT, help="The dead letter.")
_ACTOR = actor_option("Who asks; kept with the dead letter.")


@dlq.command("list", epilog="Example: paystream dlq list --consumer projector")
def dlq_list(
    consumer: Annotated[str | None, typer.Option(help="Only of this consumer.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only of this stream: a payment's id.")] = None,
    resolved: Annotated[bool, typer.Option("--all", help="Also those that were applied or discarded.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most to show.")] = 50,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List dead letters that are open."""
    from infra.kafka.consumer.dead_letters.admin import Filter
    from infra.kafka.consumer.dead_letters.cli_run import run_list

    chosen = Filter(consumer=consumer, stream=stream, resolved=resolved, limit=limit)
    raise SystemExit(run_list(chosen, as_json=as_json))


@dlq.command("show", epilog="Example: paystream dlq show 17 --full")
def dlq_show(
    dead_letter_id: Annotated[int, _ID],
    full: Annotated[bool, typer.Option(help="The whole value, however long.")] = False,
) -> None:
    """Show one dead letter and why it failed.

    Also shows its origin, headers and value.
    """
    from infra.kafka.consumer.dead_letters.cli_run import run_show

    raise SystemExit(run_show(dead_letter_id, full=full))


@dlq.command("replay", epilog="Example: paystream dlq replay --consumer projector --all --reason 'corrected in 0.4'")
def dlq_replay(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", min=0, max=LARGEST_BIGINT, help="Dead letters.")
    ] = None,
    *,
    stream: Annotated[str | None, typer.Option(help="All of this stream: a payment's id.")] = None,
    consumer: Annotated[str | None, typer.Option(help="With --all: all of this consumer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --consumer.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_INTEGER, help="With --all: the oldest so many alone.")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="With --all: only say what it would be about.")] = False,
    actor: Annotated[str | None, _ACTOR] = None,
    reason: Annotated[str | None, reason_option("Why; kept with each. Needed with --all.")] = None,
    wait: Annotated[float, typer.Option(min=0, max=86_400, help="Seconds to wait for the result.")] = 30,
) -> None:
    """Apply dead letters again, and all records parked behind them.

    The running consumer does it, in the order of the stream. Exit code 0 says that all were applied.
    """
    from infra.kafka.consumer.dead_letters.cli_run import run_replay, run_replay_preview

    if (consumer is not None) != everything:
        raise typer.BadParameter("--consumer and --all belong together")
    if (bool(ids), stream is not None, everything).count(True) != 1:
        raise typer.BadParameter("give ids, or --stream, or --consumer with --all")
    if (preview or limit is not None) and not everything:
        raise typer.BadParameter("--preview and --limit belong to --all")
    if preview:
        raise SystemExit(run_replay_preview(str(consumer), limit=limit))
    said = (reason or "").strip() or None
    if everything and said is None:
        raise typer.BadParameter("say why with --reason, or only look with --preview")
    raise SystemExit(
        run_replay(
            ids or [],
            stream=stream,
            all_of=consumer,
            limit=limit,
            actor=actor_or_user(actor),
            reason=said,
            wait_s=wait,
        )
    )


@dlq.command("discard", epilog="Example: paystream dlq discard 17 --reason 'a message of a test'")
def dlq_discard(
    dead_letter_id: Annotated[int, _ID],
    reason: Annotated[str, reason_option("Why; kept with the dead letter.")],
    actor: Annotated[str | None, actor_option("Who decides so; kept with the dead letter.")] = None,
) -> None:
    """Discard a dead letter: the consumer will never apply it.

    Records parked behind it wait until they are replayed.
    """
    from infra.kafka.consumer.dead_letters.cli_run import run_discard

    raise SystemExit(run_discard(dead_letter_id, actor=actor_or_user(actor), reason=reason))
