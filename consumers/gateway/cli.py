"""`paystream tasks` and `paystream payments`: calls of Stripe that are stuck, and payments that Stripe contradicts."""

from typing import Annotated
from uuid import UUID

import typer

from domain.ids import EventId, PaymentId
from infra.cli.commands import JSON_LINES, LARGEST_INTEGER, actor_option, actor_or_user, command_group, reason_option

_PROCESSES = ("worker-stripe-gateway",)

tasks = command_group("Calls to Stripe that are stuck.", settings_of=_PROCESSES)
payments = command_group("Payments where Stripe contradicts the log.", settings_of=_PROCESSES)

_TASK = typer.Argument(metavar="TASK", help="Its id, as the list shows it: the id of the requesting event.")
_ACTOR = actor_option("Who does it; written into the payment's log.")
_REASON = reason_option("Why; written into the payment's log.")


@tasks.command("list", epilog="Example: paystream tasks list --status dead")
def tasks_list(
    status: Annotated[
        list[str] | None, typer.Option(help="due, leased, unknown, dead or done; may be repeated. [dead, unknown]")
    ] = None,
    payment: Annotated[UUID | None, typer.Option(help="Only of this payment.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most to show.")] = 50,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List calls to Stripe that cannot complete by themselves."""
    from consumers.gateway.cli_run import run_list

    raise SystemExit(
        run_list(
            status or ["dead", "unknown"],
            payment_id=None if payment is None else PaymentId(payment),
            limit=limit,
            as_json=as_json,
        )
    )


@tasks.command(
    "retry", epilog="Example: paystream tasks retry 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'Stripe is back'"
)
def tasks_retry(
    task: Annotated[UUID, _TASK],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Retry a call at once.

    It is sent with its key, or looked up at Stripe if Stripe may have forgotten the key.
    """
    from consumers.gateway.cli_run import run_retry

    raise SystemExit(run_retry(EventId(task), actor=actor_or_user(actor), reason=reason))


@tasks.command(
    "give-up",
    epilog="Example: paystream tasks give-up 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'refunded by hand' --force",
)
def tasks_give_up(
    task: Annotated[UUID, _TASK],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if Stripe may have done it: you have checked.")] = False,
) -> None:
    """Give a call up for good, and record as failed what it was for.

    Later calls of the payment go on.
    """
    from consumers.gateway.cli_run import run_give_up

    raise SystemExit(run_give_up(EventId(task), actor=actor_or_user(actor), reason=reason, force=force))


@payments.command(
    "accept",
    epilog="Example: paystream payments accept 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'Stripe, case 7'",
)
def payments_accept(
    payment: Annotated[UUID, typer.Argument(metavar="PAYMENT_ID", help="The payment's id.")],
    reason: Annotated[str, reason_option("Why Stripe is right; written into the payment's log.")],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Accept what Stripe says where it contradicts a payment's log.

    Payment, refunds and ledger follow.
    """
    from consumers.gateway.cli_run import run_accept

    raise SystemExit(run_accept(PaymentId(payment), actor=actor_or_user(actor), reason=reason))
