"""The commands of `paystream` and their help. What they do is in the modules beside, loaded when it is needed."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from infra.cli import processes
from infra.fallback import Fallback, fall_back_on

app = typer.Typer(
    name="paystream",
    help="An event-sourced payment system. Begin with: paystream up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in panels takes a quarter of a second to import
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics = typer.Typer(help="Kafka topics.", no_args_is_help=True)
kafka = typer.Typer(help="A real Kafka on this machine.", no_args_is_help=True)
dlq = typer.Typer(help="Dead letters: records that a consumer could not apply.", no_args_is_help=True)
tasks = typer.Typer(help="Calls of Stripe that are stuck.", no_args_is_help=True)
payments = typer.Typer(help="Payments of which Stripe says otherwise than the log.", no_args_is_help=True)
payouts = typer.Typer(help="What Stripe's payouts pay.", no_args_is_help=True)
discrepancies = typer.Typer(help="What differs between Stripe's books and the ledger.", no_args_is_help=True)
ledger = typer.Typer(help="The double-entry ledger.", no_args_is_help=True)
schemas = typer.Typer(help="Published schemas of events and APIs.", no_args_is_help=True)


@app.callback()
def before(context: typer.Context) -> None:
    """Have the command find the stack of a running `make run`, if nothing else is set."""
    command = context.invoked_subcommand
    if command is None:
        return

    @cache
    def find() -> Fallback:
        from infra.cli import stack

        return stack.find(command) if command in stack.PROCESSES else Fallback()

    context.call_on_close(fall_back_on(find))


def run_app() -> None:
    """Parse the arguments and run the command."""
    app()


@app.command()
def up(
    broker: Annotated[
        Literal["embedded", "apache"],
        typer.Option(help="embedded: in memory, no Java. apache: real Kafka, which needs Java 17 and, once, Maven."),
    ] = "embedded",
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    PostgreSQL, Valkey, a Kafka broker, the Stripe sandbox and every Paystream process; the data is in PAYSTREAM_HOME.
    """
    from infra.cli.up import run_up

    raise SystemExit(run_up(broker))


@app.command()
def demo() -> None:
    """Show payments and refunds on a stack of its own.

    Exit code 0 says that every result was right.
    """
    from infra.cli.demo import run_demo

    raise SystemExit(run_demo())


@app.command()
def doctor(
    process: Annotated[
        list[str] | None, typer.Option(help="Only what this process needs, as command-api; may be repeated.")
    ] = None,
    embedded: Annotated[
        bool | None,
        typer.Option(
            "--embedded/--environment",
            help="The stack of `make run`, or the settings of the environment and .env. "
            "[the environment; but the stack, if nothing is set there and it runs]",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check a whole configuration, and say what mends it.

    Looks at settings, Stripe, PostgreSQL, Redis and Kafka, changes nothing, and takes 15 seconds at the most. Exit code
    1 says that something is wrong.
    """
    from infra.cli.doctor import run_doctor

    raise SystemExit(run_doctor(process or [], embedded=embedded, as_json=as_json))


@app.command()
def worker(name: Annotated[str, typer.Argument(help="Which consumer, for example: stripe-gateway")]) -> None:
    """Run one Kafka consumer."""
    processes.run_worker(name)


def _add_process(name: str, description: str) -> None:
    @app.command(name, help=description)
    def run() -> None:
        processes.run_process(name)


for _name, _description in processes.COMMANDS.items():
    _add_process(_name, _description)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema.

    MIGRATION_DATABASE_URL names the database and the role that owns it.
    """
    from infra.cli.database import run_migrate

    raise SystemExit(run_migrate())


@app.command()
def migrate_create(message: Annotated[str, typer.Argument(help="What the migration does, in a few words.")]) -> None:
    """Write the files of a new migration."""
    from infra.cli.database import run_migrate_create

    raise SystemExit(run_migrate_create(message))


@app.command()
def recover(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    why: Annotated[
        str | None, typer.Option("--reason", help="Why, where a person has to decide; kept with the recovery.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Who decides so. By default the user of this machine.")] = None,
) -> None:
    """Open a log that closed as PostgreSQL came back younger.

    Compares it with Kafka, writes back what it lost, and shows what Redis and Stripe know that it does not. The relay
    does the same by itself when nothing has to be decided. Exit code 1 says that the log is closed still.
    """
    from getpass import getuser

    from infra.cli.recover import run_recover

    raise SystemExit(run_recover(dry_run=dry_run, yes=yes, who=who or getuser(), why=why))


@topics.command("create")
def topics_create() -> None:
    """Create the topics that are missing on KAFKA_BOOTSTRAP_SERVERS."""
    from infra.cli.topics import run_topics_create

    raise SystemExit(run_topics_create())


@topics.command("verify")
def topics_verify() -> None:
    """Fail on topics that are missing or not as declared.

    Shows every declared setting beside what the cluster of KAFKA_BOOTSTRAP_SERVERS says, and how to mend a difference.
    """
    from infra.cli.topics import run_topics_verify

    raise SystemExit(run_topics_verify())


@kafka.callback()
def kafka_group() -> None:
    """Keep `start` a command of its own: Typer makes a single one the group itself."""


@kafka.command("start")
def kafka_start(
    brokers: Annotated[int, typer.Option(min=1, max=9, help="How many; each takes about 160 MB and a port.")] = 1,
    port: Annotated[int, typer.Option(min=1024, max=65000, help="Of the first broker; the others follow.")] = 9092,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS, with certificates made for this machine.")] = False,
) -> None:
    """Run Apache Kafka on this machine until Ctrl-C.

    It needs Java 17 and, the first time, Maven. What it holds stays in PAYSTREAM_HOME.
    """
    from infra.cli.kafka import run_kafka_start

    raise SystemExit(run_kafka_start(brokers=brokers, port=port, tls=tls))


_WHO = typer.Option(help="Who asks; kept with the dead letter. By default the user of this machine.")


@dlq.command("list")
def dlq_list(
    consumer: Annotated[str | None, typer.Option(help="Only of this consumer.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only of this stream: a payment's id.")] = None,
    resolved: Annotated[bool, typer.Option("--all", help="Also those that were applied or discarded.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The most to show.")] = 50,
) -> None:
    """List dead letters that are open."""
    from infra.cli.dlq import run_list
    from infra.kafka.consumer.dead_letters.admin import Filter

    raise SystemExit(run_list(Filter(consumer=consumer, stream=stream, resolved=resolved, limit=limit)))


@dlq.command("show")
def dlq_show(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="The dead letter.")],
    full: Annotated[bool, typer.Option(help="The whole value, however long.")] = False,
) -> None:
    """Show one dead letter, and why it failed.

    With where it comes from, its headers and its value.
    """
    from infra.cli.dlq import run_show

    raise SystemExit(run_show(letter_id, full=full))


@dlq.command("replay")
def dlq_replay(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Dead letters.")] = None,
    *,
    stream: Annotated[str | None, typer.Option(help="All of this stream: a payment's id.")] = None,
    consumer: Annotated[str | None, typer.Option(help="With --all: all of this consumer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --consumer.")] = False,
    who: Annotated[str | None, _WHO] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what becomes of it.")] = 30,
) -> None:
    """Try dead letters again, and with them all that waits behind them.

    The running consumer does it, in the order of the stream. Exit code 0 says that all were applied.
    """
    from getpass import getuser

    from infra.cli.dlq import run_replay

    if (consumer is not None) != everything:
        raise typer.BadParameter("--consumer and --all belong together")
    if (bool(ids), stream is not None, everything).count(True) != 1:
        raise typer.BadParameter("give ids, or --stream, or --consumer with --all")
    raise SystemExit(run_replay(ids or [], stream=stream, all_of=consumer, actor=who or getuser(), wait_s=wait))


@dlq.command("discard")
def dlq_discard(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="The dead letter.")],
    who: Annotated[str, typer.Option(help="Who decides so; kept with the dead letter.")],
    why: Annotated[str, typer.Option(help="Why; kept with the dead letter.")],
) -> None:
    """Give a dead letter up: the consumer will never apply it.

    What waits behind it goes on waiting until it is replayed.
    """
    from infra.cli.dlq import run_discard

    if not who.strip() or not why.strip():
        raise typer.BadParameter("say who and why")
    raise SystemExit(run_discard(letter_id, actor=who, reason=why))


_TASK = typer.Argument(metavar="TASK", help="Its id, as the list shows it: that of the event that asked for the call.")
_WHO_LOGGED = typer.Option(help="Who does it; written into the payment's log. By default the user of this machine.")
_WHY_LOGGED = typer.Option(help="Why; written into the payment's log.")


@tasks.command("list")
def tasks_list(
    status: Annotated[
        list[str] | None, typer.Option(help="due, leased, unknown, dead or done; may be repeated. [dead, unknown]")
    ] = None,
    payment: Annotated[UUID | None, typer.Option(help="Only of this payment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most to show.")] = 50,
) -> None:
    """List calls of Stripe that do not come to an end by themselves."""
    from infra.cli.tasks import run_list

    raise SystemExit(run_list(status or ["dead", "unknown"], payment_id=payment, limit=limit))


@tasks.command("retry")
def tasks_retry(
    task: Annotated[UUID, _TASK],
    why: Annotated[str, _WHY_LOGGED],
    who: Annotated[str | None, _WHO_LOGGED] = None,
) -> None:
    """Have a call tried again at once.

    With its key; or it is looked up at Stripe, when that may have forgotten the key.
    """
    from getpass import getuser

    from infra.cli.tasks import run_retry

    raise SystemExit(run_retry(task, who=who or getuser(), why=why))


@tasks.command("give-up")
def tasks_give_up(
    task: Annotated[UUID, _TASK],
    why: Annotated[str, _WHY_LOGGED],
    who: Annotated[str | None, _WHO_LOGGED] = None,
    force: Annotated[bool, typer.Option("--force", help="Although Stripe may have done it: you have looked.")] = False,
) -> None:
    """Give a call up for good: what it was for is recorded as failed.

    The payment's later calls go on.
    """
    from getpass import getuser

    from infra.cli.tasks import run_give_up

    raise SystemExit(run_give_up(task, who=who or getuser(), why=why, force=force))


@payments.command("accept")
def payments_accept(
    payment: Annotated[UUID, typer.Argument(metavar="PAYMENT_ID", help="The payment's id.")],
    reason: Annotated[str, typer.Option(help="Why Stripe is right; written into the payment's log.")],
    who: Annotated[str | None, _WHO_LOGGED] = None,
) -> None:
    """Believe Stripe wherever it contradicts a payment's log.

    Payment, refunds and ledger follow.
    """
    from getpass import getuser

    from infra.cli.payments import run_accept

    raise SystemExit(run_accept(payment, who=who or getuser(), reason=reason))


_DISCREPANCY = typer.Argument(metavar="DISCREPANCY", help="Its id, as the list shows it.")
_DAY = typer.Option("--date", formats=["%Y-%m-%d"], help="A day like 2026-05-01.")


@app.command()
def reconcile(
    day: Annotated[datetime | None, _DAY] = None,
    *,
    report: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Stripe's report as a CSV file: balance change from activity, or payout reconciliation; itemized.",
        ),
    ] = None,
    kind: Annotated[
        Literal["activity", "payouts"] | None, typer.Option(help="Which report it is, where its columns do not tell.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Of its column `created`, where it has no `created_utc`.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Who asks; recorded. By default the user of this machine.")] = None,
) -> None:
    """Compare the ledger with Stripe's books.

    Of yesterday, unless --date says another day; or with a report that Stripe made, with --report. Exit code 0 says
    that no difference is open.
    """
    from getpass import getuser

    from infra.cli.reconcile import run_reconcile, run_report

    if report is None:
        if kind or time_zone:
            raise typer.BadParameter("--kind and --time-zone belong to --report")
        raise SystemExit(run_reconcile(day.date() if day else None, who=who or getuser()))
    if day is not None:
        raise typer.BadParameter("a report says its days itself: give --date or --report")
    raise SystemExit(run_report(report, kind=kind, time_zone=time_zone, who=who or getuser()))


@discrepancies.command("list")
def discrepancies_list(
    status: Annotated[
        list[str] | None, typer.Option(help="open, explained or resolved; may be repeated. [open, explained]")
    ] = None,
    day: Annotated[datetime | None, _DAY] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, for example: missing_here")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most to show.")] = 50,
) -> None:
    """List what differs, newest day first."""
    from infra.cli.reconcile import run_list

    statuses = status or ["open", "explained"]
    raise SystemExit(run_list(statuses, day=day.date() if day else None, kind=kind, limit=limit))


@discrepancies.command("explain")
def discrepancies_explain(
    discrepancy: Annotated[UUID, _DISCREPANCY],
    why: Annotated[str, typer.Option(help="Why it is there, and may be; recorded as an event.")],
    who: Annotated[str | None, typer.Option(help="Who says so. By default the user of this machine.")] = None,
) -> None:
    """Say why a difference is there, and may be. It counts as open no more, unless it changes."""
    from getpass import getuser

    from infra.cli.reconcile import run_explain

    if not why.strip():
        raise typer.BadParameter("say why")
    raise SystemExit(run_explain(discrepancy, who=who or getuser(), why=why))


@discrepancies.command("resolve")
def discrepancies_resolve(
    discrepancy: Annotated[UUID, _DISCREPANCY],
    why: Annotated[str, typer.Option(help="What settled it; recorded as an event.")],
    who: Annotated[str | None, typer.Option(help="Who says so. By default the user of this machine.")] = None,
) -> None:
    """Say that a difference is gone. A run that finds it again opens it again."""
    from getpass import getuser

    from infra.cli.reconcile import run_resolve

    if not why.strip():
        raise typer.BadParameter("say why")
    raise SystemExit(run_resolve(discrepancy, who=who or getuser(), why=why))


@payouts.command("show")
def payouts_show(
    payout: Annotated[str, typer.Argument(metavar="PAYOUT", help="Stripe's id of an automatic payout: po_...")],
    *,
    output: Annotated[Path | None, typer.Option(help="Write all of it into this CSV file.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most transactions to show.")] = 50,
) -> None:
    """Show which transactions a payout pays, at Stripe and in the ledger. Exit code 0 says that all agrees."""
    from infra.cli.payouts import run_show

    raise SystemExit(run_show(payout, output=output, limit=limit))


@ledger.command("export")
def ledger_export(
    output: Annotated[Path, typer.Option(help="The file to write; one that is there is replaced by a whole one.")],
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="What kind of file.")] = "csv",
    since: Annotated[datetime | None, typer.Option("--from", help="This moment or later, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="Earlier than this moment, in UTC.")] = None,
) -> None:
    """Write the ledger's lines, the oldest first, into a file."""
    from infra.cli.ledger import run_export
    from infra.ledger_desk import ExportFormat

    raise SystemExit(run_export(output, form=ExportFormat(form), since=since, until=until))


@schemas.command("export")
def schemas_export() -> None:
    """Write JSON Schemas, OpenAPI and AsyncAPI files."""
    from infra.cli.schemas import run_schemas_export

    raise SystemExit(run_schemas_export())


@schemas.command("check")
def schemas_check() -> None:
    """Fail on stale or incompatible schema files.

    Compares with every version of them in the git history: an event once written stays in the log for ever.
    """
    from infra.cli.schemas import run_schemas_check

    raise SystemExit(run_schemas_check())


app.add_typer(topics, name="topics")
app.add_typer(kafka, name="kafka")
app.add_typer(dlq, name="dlq")
app.add_typer(tasks, name="tasks")
app.add_typer(payments, name="payments")
app.add_typer(discrepancies, name="discrepancies")
app.add_typer(payouts, name="payouts")
app.add_typer(ledger, name="ledger")
app.add_typer(schemas, name="schemas")
