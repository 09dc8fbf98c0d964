"""Runs `paystream webhooks`, and prints what came of it."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rich.table import Table
from rich.text import Text

from event_store.command_line import run_with_connection
from infra.cli.output import console, moment_text, plain_table, print_json_lines, printable
from infra.errors import InfraError, WrongOption
from infra.postgres.pool import Connection
from infra.webhooks_out import deliveries, endpoints
from infra.webhooks_out.deliveries import STATUSES, Attempt, Delivery
from infra.webhooks_out.endpoints import Endpoint


class WebhooksRefused(InfraError):
    """It cannot be done; nothing was changed."""


class WrongWebhooksOption(WebhooksRefused, WrongOption):
    """What was asked for makes no sense, whatever there is."""


def run_endpoints(merchant_id: str | None, *, as_json: bool) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        found = await endpoints.list_endpoints(conn, merchant_id=merchant_id)
        if as_json:
            print_json_lines(found)
        elif found:
            console().print(_endpoint_table(found))
        else:
            print("No webhook endpoints.")
        return 0

    return run_with_connection(work)


def run_deliveries(
    *, endpoint_id: UUID | None, merchant_id: str | None, status: str | None, limit: int, as_json: bool
) -> int:
    """Print a table; return the exit code."""

    async def work(conn: Connection) -> int:
        if status is not None and status not in STATUSES:
            raise WrongWebhooksOption(f"There is no status {printable(status)}. There are: {', '.join(STATUSES)}.")
        found = await deliveries.list_deliveries(
            conn, endpoint_id=endpoint_id, merchant_id=merchant_id, status=status, limit=limit
        )
        if not found and not as_json:
            print("No deliveries.")
            return 0
        attempts = await deliveries.list_attempts(conn, [each.delivery_id for each in found])
        if as_json:
            print_json_lines(_with_last(each, attempts[each.delivery_id]) for each in found)
            return 0
        console().print(_delivery_table(found, [attempts[each.delivery_id] for each in found]))
        return 0

    return run_with_connection(work)


def run_resend(delivery_id: UUID) -> int:
    """Have a delivery made once more; return the exit code."""

    async def work(conn: Connection) -> int:
        try:
            async with conn.transaction():
                resent = await deliveries.resend(conn, delivery_id)
        except deliveries.EndpointDisabled:
            raise WebhooksRefused("Its endpoint is disabled: its merchant has to enable it first.") from None
        if resent is None:
            raise WebhooksRefused(f"There is no delivery {delivery_id}.")
        if not resent:
            raise WebhooksRefused("It is being made at this moment.")
        print("It is sent once more.")
        return 0

    return run_with_connection(work)


def run_replay(endpoint_id: UUID, *, from_at: datetime, until_at: datetime | None, actor: str) -> int:
    """Ask for a replay; return the exit code."""

    async def work(conn: Connection) -> int:
        now = datetime.now(UTC)
        begin, end = _utc(from_at), now if until_at is None else _utc(until_at)
        if not begin <= end <= now:
            raise WrongWebhooksOption("--until must not be before --from, nor in the future.")
        endpoint = await endpoints.find(conn, endpoint_id, merchant_id=None)
        if endpoint is None:
            raise WebhooksRefused(f"There is no webhook endpoint {endpoint_id}.")
        if not endpoint.enabled:
            raise WebhooksRefused("The endpoint is disabled: its merchant has to enable it first.")
        replay_id = await deliveries.request_replay(
            conn, endpoint_id=endpoint_id, from_at=begin, until_at=end, actor=actor
        )
        if replay_id is None:
            raise WebhooksRefused("A replay of the endpoint is under way.")
        print(f"What was recorded from {moment_text(begin)} to {moment_text(end)} UTC is sent once more.")
        return 0

    return run_with_connection(work)


def _endpoint_table(found: Sequence[Endpoint]) -> Table:
    table = _table("Endpoint", "Merchant", "Status", "Failing since (UTC)", "Failures", "Old secrets (UTC)")
    for column in ("Events", "URL"):
        table.add_column(column, overflow="fold")
    for each in found:
        status = "enabled" if each.enabled else f"disabled: {each.disabled_because or 'by its merchant'}"
        failing = (moment_text(each.failing_since), str(each.failures))
        cells = (str(each.endpoint_id), each.merchant_id, status, *failing, _old_secrets(each.previous_secrets_until))
        types = ", ".join(each.event_types) or "all"
        table.add_row(*(Text(printable(cell)) for cell in (*cells, types, each.url)))
    return table


def _old_secrets(until: Sequence[datetime]) -> str:
    """Return how many secrets that were replaced sign, and when the first of them ends."""
    return f"{len(until)} until {moment_text(until[0])}" if until else "-"


def _delivery_table(found: Sequence[Delivery], attempts: Sequence[Sequence[Attempt]]) -> Table:
    table = _table("Delivery", "Merchant", "Event", "Payment", "Status", "Attempts", "Next (UTC)")
    table.add_column("Last attempt", overflow="fold")
    for each, made in zip(found, attempts, strict=True):
        cells = (str(each.delivery_id), each.merchant_id, each.event_type, str(each.payment_id), each.status)
        last = "-" if not made else f"{moment_text(made[-1].at)} {made[-1].error or made[-1].status}"
        table.add_row(
            *(Text(printable(cell)) for cell in (*cells, str(len(made)), moment_text(each.next_attempt_at), last))
        )
    return table


def _with_last(delivery: Delivery, made: Sequence[Attempt]) -> dict[str, Any]:
    last = {"at": made[-1].at, "status": made[-1].status, "error": made[-1].error} if made else None
    return dataclasses.asdict(delivery) | {"last_attempt": last}


def _table(*columns: str) -> Table:
    table = plain_table()
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=True)
    return table


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
