"""`paystream recover`: what an operator sees and decides after PostgreSQL lost what it had committed."""

from typing import Annotated

import typer

from infra.cli.commands import actor_option, actor_or_user, reason_option, single_command


@single_command("Example: paystream recover --dry-run", settings_of=["relay", "worker-stripe-gateway"])
def recover(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Annotated[str | None, reason_option("Why, if a person has to decide; kept with the recovery.")] = None,
    actor: Annotated[str | None, actor_option("Who decides so.")] = None,
) -> None:
    """Recover a log that closed because PostgreSQL lost commits.

    Compares it with Kafka, writes back what it lost, and shows what only Redis or Stripe knows. The relay does the same
    by itself when nothing has to be decided. Exit code 1 says that the log is still closed.
    """
    from event_store.recovery.cli_run import run_recover

    raise SystemExit(run_recover(dry_run=dry_run, yes=yes, actor=actor_or_user(actor), reason=reason))
