"""`paystream audit`: what an auditor sees of the log, and of what was built from it.

Only `archive` changes anything: which part of the log is in the database, and which in files.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from infra.cli.commands import JSON_LINES, LARGEST_BIGINT, LARGEST_INTEGER, actor_option, actor_or_user, command_group

_MOST_DAYS = 36_500
_QUORUM = typer.Option(min=1, max=LARGEST_INTEGER, help="How many witnesses must have signed; by default all.")

audit = command_group("What an auditor sees, and archives of the log.", settings_of=["audit", "migrate"])


@audit.command(
    "show", epilog="Example: paystream audit show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --as-of 2026-05-01T12:03:00Z"
)
def show(
    payment: Annotated[str, typer.Argument(help="The payment's id.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="As it was at this moment (ISO 8601, in UTC unless it has an offset), or position."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_BIGINT, help="As it was after its event of this number.")
    ] = None,
    form: Annotated[Literal["table", "json", "html"], typer.Option("--format", help="How it is shown.")] = "table",
    output: Annotated[Path | None, typer.Option(help="The file to write; by default it is printed.")] = None,
) -> None:
    """Show what happened to a payment.

    Who did what and why, what it changed, and the money after it.
    """
    from projections.audit.cli_run import run_show

    raise SystemExit(run_show(payment, as_of=as_of, version=version, form=form, output=output))


@audit.command(
    "replay", epilog="Example: paystream audit replay --from 2026-05-01 --category payment --into may.parquet"
)
def replay(
    *,
    since: Annotated[str | None, typer.Option("--from", help="This moment or position, or later.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="This moment or position, or earlier.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Only events of this merchant.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only events of this category; may be repeated.")] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Into this file: .jsonl, .csv or .parquet. What was cut short goes on.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Into this Kafka topic, which is made when it is not there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Into a live topic too: its consumers get all again.")] = False,
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Personal data encrypted as it is in the log. A topic has it so.")
    ] = False,
) -> None:
    """Stream the log in order.

    To the standard output as JSON lines, into a file, or into a topic of its own.
    """
    from projections.audit.cli_replay import ReplayRequest, run_replay

    request = ReplayRequest(
        since=since,
        until=until,
        merchant_id=merchant,
        categories=tuple(category or ()) or None,
        types=tuple(type_ or ()) or None,
        as_recorded=as_recorded,
    )
    raise SystemExit(run_replay(request, into=into, topic=topic, force=force))


@audit.command("diff", epilog="Example: paystream audit diff --projection ledger")
def diff(
    projection: Annotated[str | None, typer.Option(help="Of one projection alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most rows to print of a table.")] = 20,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Compare the read model with a replay.

    The log is replayed into tables of its own, and every row is compared. Exit code 1 says that a row differs,
    2 that it could not be told.
    """
    from projections.audit.cli_run import run_diff

    raise SystemExit(run_diff(projection, limit=limit, as_json=as_json))


@audit.command("invariants", epilog="Example: paystream audit invariants --json")
def invariants(
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Check every invariant of money.

    Over the whole log. Exit code 1 says that one is violated, 2 that it could not be told.
    """
    from projections.audit.cli_run import run_invariants

    raise SystemExit(run_invariants(as_json=as_json))


@audit.command("verify", epilog="Example: paystream audit verify --since 2026-05-01 --key sealer.key.pub")
def verify(
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Each file of the tree, and each checkpoint of the table too.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="Only events of this moment or position, or later.")] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was kept elsewhere; may be repeated.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A public key that is trusted, or a file of them; may be repeated.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(help="The public key of a witness, or a file of them; by default those of PROOFS_WITNESSES."),
    ] = None,
    quorum: Annotated[int | None, _QUORUM] = None,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """Compare the log with what was sealed.

    Each event that was changed, removed, inserted, reordered or renumbered is named. Exit code 1 says that one was,
    2 that it could not be told.
    """
    from projections.audit.cli_proofs import VerifyRequest, run_verify

    request = VerifyRequest(
        full=full,
        since=since,
        checkpoints=tuple(checkpoint or ()),
        keys=tuple(key or ()),
        witnesses=tuple(witness or ()),
        quorum=quorum,
        as_json=as_json,
    )
    raise SystemExit(run_verify(request))


@audit.command("prove", epilog="Example: paystream audit prove 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --output proofs")
def prove(
    identifier: Annotated[str, typer.Argument(metavar="EVENT|PAYMENT", help="The id of an event, or of a payment.")],
    output: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
) -> None:
    """Write proofs that anybody can check.

    Of an event, or of all events of a payment: a .tlog-proof file, and the event beside it.
    """
    from projections.audit.cli_proofs import run_prove

    raise SystemExit(run_prove(identifier, output))


@audit.command("archive", epilog="Example: paystream audit archive --dry-run")
def archive(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be archived, or what holds it up.")
    ] = False,
    older_than: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_DAYS, help="Days since its last event; or ARCHIVE_AFTER_DAYS."),
    ] = None,
    drop_detached: Annotated[
        bool,
        typer.Option("--drop-detached", help="Instead: drop partitions that were detached, if their files are whole."),
    ] = False,
    actor: Annotated[str | None, actor_option("Who does it.")] = None,
) -> None:
    """Put the oldest partition of the log into a file.

    It is written with its tiles, read back, compared with what was sealed, and only then detached. What was interrupted
    goes on. Events of payments stay in the log as well.
    """
    from projections.audit.cli_archive import ArchiveRequest, run_archive, run_drop_detached

    request = ArchiveRequest(dry_run=dry_run, older_than_days=older_than, actor=actor_or_user(actor))
    raise SystemExit(run_drop_detached(request) if drop_detached else run_archive(request))


@audit.command(
    "check",
    epilog="Example: paystream audit check proofs/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071.tlog-proof --key sealer.key.pub",
)
def check(
    file: Annotated[Path, typer.Argument(help="The .tlog-proof file.")],
    key: Annotated[list[str], typer.Option(help="A public key of the log, or a file of them; may be repeated.")],
    event: Annotated[Path | None, typer.Option(help="The event; by default the .json file beside the proof.")] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="The public key of a witness, or a file of them; may be repeated.")
    ] = None,
    quorum: Annotated[int | None, _QUORUM] = None,
) -> None:
    """Check a proof, offline.

    It needs no server and no setting. Exit code 1 says that it proves nothing.
    """
    from projections.audit.cli_check import run_check

    raise SystemExit(run_check(file, keys=key, event=event, witnesses=witness or [], quorum=quorum))


@audit.command("new-key", epilog="Example: paystream audit new-key pay.example.com/log sealer.key")
def new_key(
    name: Annotated[str, typer.Argument(help="The log's name, as pay.example.com/log: of this log alone, for ever.")],
    file: Annotated[Path, typer.Argument(help="Where the key is kept; the public one is written to FILE.pub.")],
) -> None:
    """Make a key that signs checkpoints."""
    from projections.audit.cli_check import run_new_key

    raise SystemExit(run_new_key(name, file))
