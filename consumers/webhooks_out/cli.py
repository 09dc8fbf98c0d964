"""`paystream webhooks`: where merchants get their events by HTTP, and what was delivered there."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from infra.cli.commands import JSON_LINES, actor_option, actor_or_user, command_group

webhooks = command_group("Webhooks to merchants: endpoints and deliveries.", settings_of=("worker-webhooks-out",))

_ENDPOINT = typer.Argument(metavar="ENDPOINT", help="Its id, as `endpoints` shows it.")
_MOMENT = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]


@webhooks.command("endpoints", epilog="Example: paystream webhooks endpoints --merchant shop")
def webhooks_endpoints(
    merchant: Annotated[str | None, typer.Option(help="Those of one merchant. [all]")] = None,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List endpoints, and which of them fail."""
    from consumers.webhooks_out.cli_run import run_endpoints

    raise SystemExit(run_endpoints(merchant, as_json=as_json))


@webhooks.command("deliveries", epilog="Example: paystream webhooks deliveries --status failed --limit 100")
def webhooks_deliveries(
    endpoint: Annotated[UUID | None, typer.Option(help="Those to one endpoint. [all]")] = None,
    merchant: Annotated[str | None, typer.Option(help="Those to one merchant. [all]")] = None,
    status: Annotated[str | None, typer.Option(help="pending, delivered or failed. [all]")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most to show.")] = 50,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List deliveries, the newest events first, and each last attempt."""
    from consumers.webhooks_out.cli_run import run_deliveries

    raise SystemExit(
        run_deliveries(endpoint_id=endpoint, merchant_id=merchant, status=status, limit=limit, as_json=as_json)
    )


@webhooks.command("resend", epilog="Example: paystream webhooks resend 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def webhooks_resend(
    delivery: Annotated[UUID, typer.Argument(metavar="DELIVERY", help="Its id, as `deliveries` shows it.")],
) -> None:
    """Make a delivery once more."""
    from consumers.webhooks_out.cli_run import run_resend

    raise SystemExit(run_resend(delivery))


@webhooks.command(
    "replay",
    epilog="Example: paystream webhooks replay 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --from 2026-05-01T12:00:00Z",
)
def webhooks_replay(
    endpoint: Annotated[UUID, _ENDPOINT],
    from_at: Annotated[datetime, typer.Option("--from", formats=_MOMENT, help="From when on; UTC unless it says.")],
    until_at: Annotated[
        datetime | None, typer.Option("--until", formats=_MOMENT, help="Until when; UTC unless it says. [now]")
    ] = None,
    actor: Annotated[str | None, actor_option("Who does it.")] = None,
) -> None:
    """Send an endpoint once more what was recorded in a time."""
    from consumers.webhooks_out.cli_run import run_replay

    raise SystemExit(run_replay(endpoint, from_at=from_at, until_at=until_at, actor=f"operator:{actor_or_user(actor)}"))
