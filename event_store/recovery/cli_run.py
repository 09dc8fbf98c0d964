"""Runs `paystream recover`: shows what a log lost, asks, and has it written back."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError
from rich.text import Text

from event_store.command_line import run
from event_store.recovery.admin import RecoveryAdmin
from event_store.recovery.examination import Examined, ShownEvent
from event_store.recovery.traces import GROUP, RedisTraces, StripeTraces, Trace
from infra.cli.output import console, plain_table
from infra.postgres.pool import Connection
from infra.postgres.sessions import connect_session
from infra.process import declared
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings, read_settings
from infra.settings.postgres import SessionSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings

_SHOWN = 20


class RecoverSettings(SessionSettings, KafkaSettings):
    """What the comparison needs. `database_url` is of a member of paystream_relay, or of the owner."""


def run_recover(*, dry_run: bool, yes: bool, actor: str, reason: str | None) -> int:
    """Show what there is and, unless `dry_run`, ask and do it; return the exit code: 1 while the log is closed."""
    settings = load_settings(RecoverSettings)

    async def work() -> int:
        admin = RecoveryAdmin()
        async with await connect_session(settings.direct_url, user="recovery") as conn:
            examined = await admin.examine(conn, settings)
            _show(examined)
            await _show_traces(admin, conn, examined)
            if examined.closed_because is None:
                return 0
            if dry_run:
                return 1
            if examined.blockers and not reason:
                print("An operator has to decide here: give a --reason.", file=sys.stderr)
                return 1
            if not yes and not await asyncio.to_thread(_confirmed):
                return 1
            print(await admin.recover(conn, settings, actor=actor, reason=reason or ""))
            return 0

    return run(work())


def _show(examined: Examined) -> None:
    if examined.closed_because is None:
        print(f"The log is open, in epoch {examined.epoch}.")
        return
    print(f"The log is closed: {examined.closed_because}.")
    print(f"It is whole up to position {examined.whole_up_to}; {examined.common} events were found here and in Kafka.")
    print(f"Only in Kafka, to be written back at their own positions: {examined.lost}")
    _print_events(examined.first_lost, examined.lost)
    print(f"Only in the log, yet to be published: {examined.unpublished}")
    if examined.left_out:
        print(f"Only in Kafka, and their place in the log is taken: {len(examined.left_out)}")
        _print_events([lost for lost, _ in examined.left_out], len(examined.left_out))
    for blocker in examined.blockers:
        print(f"To be decided: {blocker}.")


async def _show_traces(admin: RecoveryAdmin, conn: Connection, examined: Examined) -> None:
    """Show what was answered for and is nowhere in the log: the lost events are not, they will be in it."""
    will_be_there = examined.lost_streams
    since = examined.since or datetime.fromtimestamp(0, UTC)
    for name, asking in (("Redis", _in_redis()), ("Stripe", _at_stripe(since))):
        try:
            found = await asking
        except ValidationError:
            print(f"{name} was not asked what it knows of lost payments: it is not in these settings.")
            continue
        except Exception as error:  # noqa: BLE001 - what is wrong there must not keep the rest from being seen
            print(f"{name} was not asked what it knows of lost payments: {type(error).__name__}.")
            continue
        lost = [each for each in await admin.missing_from_log(conn, found) if each.payment_id not in will_be_there]
        print(f"Known to {name} and not to the log, of {len(found)} looked at: {len(lost)}")
        for each in lost[:_SHOWN]:
            print(f"  payment {each.payment_id}: {each.where}")
        if len(lost) > _SHOWN:
            print(f"  ... and {len(lost) - _SHOWN} more")


async def _in_redis() -> Sequence[Trace]:
    redis: RedisTraces = declared.load(GROUP, "redis")()
    return await redis.traces(read_settings(RedisSettings))


async def _at_stripe(since: datetime) -> Sequence[Trace]:
    stripe: StripeTraces = declared.load(GROUP, "stripe")()
    return await stripe.traces(read_settings(StripeSettings), since=since)


def _print_events(events: Sequence[ShownEvent], total: int) -> None:
    if not events:
        return
    table = plain_table()
    for column in ("Position", "Event", "Stream", "Version", "Type"):
        table.add_column(column, no_wrap=True)
    for event in events[:_SHOWN]:
        cells = (event.position, event.event_id, event.stream_id, event.version, event.type)
        table.add_row(*(Text(str(cell)) for cell in cells))
    console().print(table)
    if total > _SHOWN:
        print(f"... and {total - _SHOWN} more")


def _confirmed() -> bool:
    return input("Write back and open the log? [y/N] ").strip().lower() in {"y", "yes"}
