"""The frame of `paystream`: the commands that run the system, and those that its parts declare.

What a command needs is loaded when it runs.
"""

from functools import cache
from typing import Annotated, Literal

import typer

from infra.cli import processes
from infra.cli.commands import add_declared_commands
from infra.settings.fallback import Fallback, fall_back_on

app = typer.Typer(
    name="paystream",
    help="An event-sourced payment system. Begin with: paystream up",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in panels takes a quarter of a second to import
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(given: bool) -> None:
    if given:
        from importlib.metadata import version

        typer.echo(f"paystream {version('paystream')}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Have the command find the stack of a running `make run`, if nothing else is set."""
    names = SETTINGS_OF.get(context.invoked_subcommand or "")
    if not names:
        return

    @cache
    def find() -> Fallback:
        from infra.cli import running_stack as stack

        return stack.find(names)

    context.call_on_close(fall_back_on(find))


def run_app() -> None:
    """Parse the arguments and run the command."""
    app()


@app.command(epilog="Example: paystream up --demo")
def up(
    broker: Annotated[
        Literal["embedded", "apache"],
        typer.Option(help="embedded: in memory, no Java. apache: real Kafka, which needs Java 17 and, once, Maven."),
    ] = "embedded",
    layout: Annotated[
        Literal["together", "separate"],
        typer.Option(
            "--processes",
            help="together: relay, projector and workers in one process. separate: one each, as in production.",
        ),
    ] = "together",
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Run Prometheus beside it, which has to be on this machine.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Play a lively day on it, with DEMO_PACE things happening in a minute.")
    ] = False,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    PostgreSQL, Valkey, a Kafka broker, the Stripe sandbox and every Paystream process; the data is in PAYSTREAM_HOME.
    """
    from infra.cli.up import run_up

    raise SystemExit(run_up(broker, layout, prometheus=prometheus, demo=demo))


@app.command(epilog="Example: paystream demo")
def demo() -> None:
    """Show payments and refunds on a stack of its own.

    Exit code 0 says that every result was right.
    """
    from infra.cli.demo import run_demo

    raise SystemExit(run_demo())


@app.command(epilog="Example: paystream doctor --process relay --json")
def doctor(
    process: Annotated[
        list[str] | None,
        typer.Option(help="Check only what this process needs, for example: command-api; may be repeated."),
    ] = None,
    embedded: Annotated[
        bool | None,
        typer.Option(
            "--embedded/--environment",
            help="The stack of `make run`, or the settings of the environment and .env. "
            "[the environment; or the stack, if nothing is set and it runs]",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")] = False,
) -> None:
    """Check a whole configuration and name remedies.

    Checks settings, Stripe, PostgreSQL, Redis and Kafka. It changes nothing and takes at most 15 seconds. Exit code 1
    says that something is wrong.
    """
    from infra.cli.doctor import run_doctor

    raise SystemExit(run_doctor(process or [], embedded=embedded, as_json=as_json))


@app.command(epilog="Example: paystream worker stripe-gateway")
def worker(name: Annotated[str, typer.Argument(help="Which worker, for example: stripe-gateway; or: all")]) -> None:
    """Run one worker; or relay, projector and all workers as one."""
    processes.run_worker(name)


def _add_process(name: str, description: str) -> None:
    @app.command(name, help=description, epilog=f"Example: paystream {name}")
    def run() -> None:
        processes.run_process(name)


for _name, _description in processes.COMMANDS.items():
    _add_process(_name, _description)


SETTINGS_OF = add_declared_commands(app)
"""The processes whose settings a command, or group of commands, reads; the first one's win."""
