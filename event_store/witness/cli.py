"""`paystream witness`: signs the checkpoints of others' logs, on another host than theirs."""

from pathlib import Path
from typing import Annotated

import typer

witness = typer.Typer(
    help="Sign the checkpoints of others' logs.\n\nWithout a command it serves them, on another host than theirs.",
    invoke_without_command=True,
)


@witness.callback()
def serve(context: typer.Context) -> None:
    """Serve the protocol of C2SP tlog-witness until it is stopped."""
    if context.invoked_subcommand is None:
        from event_store.witness.process import SERVICE
        from infra.process.run import run_service

        run_service(SERVICE)


@witness.command("new-key", epilog="Example: paystream witness new-key w1.example w1.key")
def new_key(
    name: Annotated[str, typer.Argument(help="The witness's name, as witness.example.com/w1: its own, for ever.")],
    file: Annotated[
        Path,
        typer.Argument(help="Where the key is kept; the public one is written to FILE.pub, its memory to FILE.state."),
    ],
) -> None:
    """Make a key that signs checkpoints of others.

    And the empty memory that goes with it.
    """
    from event_store.witness.cli_run import run_new_key

    raise SystemExit(run_new_key(name, file))
