"""Runs `paystream audit archive`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from event_store.archive.archiving import ArchivePlan, Archiving
from event_store.archive.errors import ArchiveError, ArchiveRefused
from event_store.archive.sealed_part import SealedPart
from event_store.command_line import run
from event_store.proofs.stores import tile_store
from infra.cli.output import ProgressLine
from infra.errors import WrongSetting
from infra.settings.archive import ArchiveSettings
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import MigrationSettings
from infra.settings.proofs import PublicKeysSettings
from projections.audit.cli_check import public_keys

_NAME = "paystream audit archive"


class ArchiveCommandSettings(MigrationSettings, KafkaSettings, PublicKeysSettings, ArchiveSettings):
    """What the command needs: the owner of the log, of Kafka how many partitions a topic has, the proofs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRequest:
    """What is asked for; None: as the settings have it."""

    dry_run: bool
    older_than_days: int | None
    actor: str


def run_archive(request: ArchiveRequest) -> int:
    """Archive the oldest partition; return the exit code."""

    async def work(archiving: Archiving) -> int:
        if request.dry_run:
            print(f"Nothing holds it up: {_described(await archiving.next_part())} would be archived.")
            print("Whether consumers have taken all that is to leave shows once it is written, before it leaves.")
            return 0
        done = await archiving.run()
        contents, positions = done.contents, done.positions
        print(
            f"{positions.partition} is archived: {contents.events:,} events up to position {positions.until - 1:,}, in "
            f"{positions.name}. {contents.events - contents.kept:,} have left the log, {contents.kept:,} are in both. "
            f"Appends waited {done.waited_ms:,.0f} ms at most.\n"
            f"The partition as it was is the table {done.detached}, until: paystream audit archive --drop-detached"
        )
        return 0

    return _run(request, work)


def run_drop_detached(request: ArchiveRequest) -> int:
    """Drop what was detached; return the exit code."""

    async def work(archiving: Archiving) -> int:
        dropped = await archiving.drop_detached()
        for each in dropped:
            print(f"The table {each.detached} is gone: {each.name} has its {each.events:,} events.")
        if not dropped:
            print("No detached partition is left.")
        return 0

    return _run(request, work)


def _described(part: SealedPart) -> str:
    return f"{part.positions.partition}, {part.count:,} events up to position {part.positions.until - 1:,},"


def _run(request: ArchiveRequest, work: Callable[[Archiving], Awaitable[int]]) -> int:
    settings = load_settings(ArchiveCommandSettings)
    line, counts = ProgressLine(), dict[str, int]()

    def looked(what: str, events: int) -> None:
        counts[what] = counts.get(what, 0) + events
        line.show(f"{counts[what]:,} events {what}")

    async def connected() -> int:
        plan = _plan(settings, request, looked)
        url = settings.migration_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=5, application_name=_NAME
        ) as conn:
            try:
                return await work(Archiving(conn, plan))
            except ArchiveRefused as refused:
                held = "\n".join(f"- {reason}" for reason in refused.reasons)
                raise ArchiveError(f"Nothing was archived. What holds it up:\n{held}") from refused
            except OSError as error:
                raise ArchiveError(f"{error.filename or plan.folder} cannot be used: {error.strerror}") from error
            finally:
                line.clear()

    return run(connected())


def _plan(settings: ArchiveCommandSettings, request: ArchiveRequest, looked: Callable[[str, int], None]) -> ArchivePlan:
    if settings.archive_folder is None:
        raise WrongSetting("ARCHIVE_FOLDER is not set: where are archives kept?")
    tiles = tile_store(settings)
    if tiles is None:
        raise WrongSetting(
            "neither PROOFS_FOLDER nor PROOFS_BUCKET is set: what is archived is compared with what was sealed"
        )
    if settings.proofs_public_keys_file is None:
        raise WrongSetting("PROOFS_PUBLIC_KEYS_FILE is not set: whose signature on what was sealed is trusted?")
    return ArchivePlan(
        folder=settings.archive_folder,
        tiles=tiles,
        keys=public_keys([str(settings.proofs_public_keys_file)]),
        partitions=settings.kafka_topic_partitions,
        older_than_days=request.older_than_days or settings.archive_after_days,
        actor=request.actor,
        looked=looked,
    )
