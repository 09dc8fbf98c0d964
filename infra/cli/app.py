"""The commands of `paystream` and their help. What they do is in the modules beside, loaded when it is needed."""

from typing import Annotated

import typer

from infra.cli import processes

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
schemas = typer.Typer(help="Published schemas of events and APIs.", no_args_is_help=True)


def run_app() -> None:
    """Parse the arguments and run the command."""
    app()


@app.command()
def up() -> None:
    """Run the whole system on this machine until Ctrl-C.

    PostgreSQL, Valkey, a Kafka broker, the Stripe sandbox and every Paystream process; the data is in PAYSTREAM_HOME.
    """
    from infra.cli.up import run_up

    raise SystemExit(run_up())


@app.command()
def demo() -> None:
    """Show payments and refunds on a stack of its own.

    Exit code 0 says that every result was right.
    """
    from infra.cli.demo import run_demo

    raise SystemExit(run_demo())


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


@topics.command("create")
def topics_create() -> None:
    """Create the topics that are missing on KAFKA_BOOTSTRAP_SERVERS."""
    from infra.cli.topics import run_topics_create

    raise SystemExit(run_topics_create())


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
app.add_typer(schemas, name="schemas")
