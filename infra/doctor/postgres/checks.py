"""Asks every database that processes use, by each login that they have."""

from collections.abc import AsyncGenerator, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from infra.doctor.addresses import QUOTE, UNREADABLE, postgres_address, postgres_role
from infra.doctor.check import Check
from infra.doctor.deployment import Deployment, Targets
from infra.doctor.finding import Finding
from infra.doctor.postgres.appending import SUBJECT as APPEND
from infra.doctor.postgres.appending import try_append
from infra.doctor.postgres.archiving import SUBJECT as ARCHIVE
from infra.doctor.postgres.archiving import Archiving, archiving_finding
from infra.doctor.postgres.area import AREA
from infra.doctor.postgres.capacity import SUBJECT as CONNECTIONS
from infra.doctor.postgres.capacity import capacity_finding
from infra.doctor.postgres.migrations import SUBJECT as MIGRATIONS
from infra.doctor.postgres.migrations import known_revisions, revision_finding, unreadable
from infra.doctor.postgres.rights import Purpose, Rights, rights_finding
from infra.doctor.postgres.server import (
    ServerStatus,
    away,
    connect,
    reason,
    refused_connection,
    round_trip,
    server_findings,
)
from infra.doctor.postgres.standbys import SUBJECT as STANDBYS
from infra.doctor.postgres.standbys import Standbys, standby_findings
from infra.doctor.postgres.transactions import SUBJECT as TRANSACTIONS
from infra.doctor.postgres.transactions import look_twice
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from infra.settings.postgres import DatabaseSettings, MigrationSettings, ReadDatabaseSettings, SessionSettings
from infra.settings.proofs import SealerKeySettings

_PURPOSES = {"projector": Purpose.PROJECTOR, "relay": Purpose.RELAY, "worker-sealer": Purpose.SEALER}
"""Of the processes that are no ordinary members of the application."""
_DIRECT_ALONE = frozenset({"relay"})
"""Those that use nothing but DATABASE_DIRECT_URL where there is one."""
_QUERIES = Queries.load(Path(__file__).parent / "statements.sql")


@dataclass(kw_only=True, slots=True)
class Database:
    """One address, the logins that processes have there, and their pools."""

    address: str
    logins: dict[tuple[str, Purpose], list[str]] = field(default_factory=dict)
    """The processes by URL and purpose."""
    pools: dict[str, int] = field(default_factory=dict)
    in_production: bool = False

    @property
    def is_written(self) -> bool:
        """Whether a process appends or projects there."""
        return any(purpose is not Purpose.QUERY for _, purpose in self.logins)


def postgres_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each database."""
    written = deployment.targets(DatabaseSettings)
    read = deployment.targets(ReadDatabaseSettings)
    owned = deployment.targets(MigrationSettings)
    sealers = deployment.targets(SealerKeySettings).found
    idle = {user for each in sealers if not each.settings.has_sealer_key for user in each.users}
    for database in _databases(written, read, owned, deployment.targets(SessionSettings), idle=idle):
        ask = _unreadable if database.address == UNREADABLE else partial(_until_it_fails, embedded=deployment.embedded)
        yield Check(area=AREA, run=partial(ask, database))
    if not written.found and not read.found:
        cause = "; ".join((*written.wrong, *read.wrong)) or "none of these processes has a database"
        yield Check(area=AREA, run=partial(_not_checked, cause))


def _databases(
    written: Targets[DatabaseSettings],
    read: Targets[ReadDatabaseSettings],
    owned: Targets[MigrationSettings],
    direct: Targets[SessionSettings],
    *,
    idle: Collection[str],
) -> list[Database]:
    databases: dict[str, Database] = {}

    def add(url: str, purpose: Purpose, users: tuple[str, ...], pool_size: int = 0) -> None:
        address = postgres_address(url)
        database = databases.setdefault(address, Database(address=address))
        database.logins.setdefault((url, purpose), []).extend(users)
        database.pools.update(dict.fromkeys(users, pool_size) if pool_size else {})

    past = {user for each in direct.found if each.settings.database_direct_url for user in each.users} & _DIRECT_ALONE
    for owner in owned.found:
        add(owner.settings.migration_database_url.get_secret_value(), Purpose.OWNER, owner.users)
    for writer in written.found:
        url, size = writer.settings.database_url.get_secret_value(), _connections(writer.settings)
        in_production = writer.settings.app_env == "production"
        for user in writer.users:
            if user in past or user in idle:
                continue
            add(url, _PURPOSES.get(user, Purpose.APP), (user,), size)
        if (database := databases.get(postgres_address(url))) is not None:
            database.in_production |= in_production
    for reader in read.found:
        url, size = reader.settings.read_database_url.get_secret_value(), reader.settings.read_database_pool_size
        add(url, Purpose.QUERY, reader.users, 0 if reader.settings.pooling.is_transaction else size)
    for each in direct.found:
        for user in each.users if each.settings.database_direct_url else ():
            add(each.settings.direct_url, _PURPOSES.get(user, Purpose.APP), (user,))
    return list(databases.values())


def _connections(settings: DatabaseSettings) -> int:
    """Return how many a process may open at the server itself."""
    return 0 if settings.pooling.is_transaction else settings.database_pool_size


async def _not_checked(cause: str) -> AsyncGenerator[Finding, None]:
    yield AREA.skipped("server", f"not asked: {cause}")


async def _unreadable(database: Database) -> AsyncGenerator[Finding, None]:
    users = sorted({user for each in database.logins.values() for user in each})
    yield AREA.error("server", f"{', '.join(users)}: {UNREADABLE}", QUOTE)


async def _until_it_fails(database: Database, *, embedded: bool) -> AsyncGenerator[Finding, None]:
    try:
        async for finding in _ask(database, embedded=embedded):
            yield finding
    except psycopg.Error as error:
        remedy = "See its log: it accepted the connection, and then did not answer a simple query."
        yield AREA.error("server", f"{database.address}: {reason(error)}", remedy)


async def _ask(database: Database, *, embedded: bool) -> AsyncGenerator[Finding, None]:
    revision: Finding | None = None
    append: Finding | None = None
    is_known = False
    for (url, purpose), users in database.logins.items():
        try:
            connection = await connect(url)
        except psycopg.OperationalError as error:
            if not is_known and not refused_connection(error):
                for finding in _away(database, error, embedded=embedded):
                    yield finding
                return
            yield _refused(url, purpose, users, error)
            continue
        async with connection:
            if not is_known:
                is_known = True
                async for finding in _server(connection, database):
                    yield finding
            if revision is None:
                revision = await _revision(connection, embedded=embedded)
            if purpose is not Purpose.OWNER:
                yield rights_finding(purpose, await _rights(connection, url), ", ".join(users))
            append = append or await _append(connection, purpose, url)
    for finding in _of_all_logins(database, revision, append, is_known=is_known):
        yield finding


def _away(database: Database, error: psycopg.OperationalError, *, embedded: bool) -> Iterator[Finding]:
    yield away(database.address, error, embedded=embedded)
    of_the_log = (TRANSACTIONS, STANDBYS, ARCHIVE, APPEND) if database.is_written else ()
    for subject in ("rights", MIGRATIONS, CONNECTIONS, *of_the_log):
        yield AREA.skipped(subject, "PostgreSQL does not answer")


def _of_all_logins(
    database: Database, revision: Finding | None, append: Finding | None, *, is_known: bool
) -> Iterator[Finding]:
    """Yield what any of the logins could tell, or that none could."""
    if is_known and any(purpose is Purpose.APP for _, purpose in database.logins):
        yield append or AREA.skipped(APPEND, "not tried: none of these logins may")
    yield (revision or unreadable()) if is_known else AREA.skipped(MIGRATIONS, "no login was let in")


async def _server(connection: Connection, database: Database) -> AsyncGenerator[Finding, None]:
    status = await _read_status(connection)
    for finding in server_findings(database.address, status, written=database.is_written):
        yield finding
    if database.pools:
        yield capacity_finding(await _capacity(connection), database.pools)
    else:
        yield AREA.skipped(CONNECTIONS, "no pool of ours is connected to this address without a pooler")
    if database.is_written:
        yield await look_twice(connection, _QUERIES)
    if database.is_written and not status.standby:
        async with connection.cursor(row_factory=class_row(Standbys)) as cursor:
            await cursor.execute(_QUERIES.standbys)
            standbys = await cursor.fetchone()
        assert standbys is not None
        for finding in standby_findings(standbys, production=database.in_production):
            yield finding
        async with connection.cursor(row_factory=class_row(Archiving)) as archiver:
            await archiver.execute(_QUERIES.archiving)
            archiving = await archiver.fetchone()
        assert archiving is not None
        yield archiving_finding(archiving, production=database.in_production)


def _refused(url: str, purpose: Purpose, users: list[str], error: psycopg.OperationalError) -> Finding:
    variable = {Purpose.QUERY: "READ_DATABASE_URL", Purpose.OWNER: "MIGRATION_DATABASE_URL"}.get(
        purpose, "DATABASE_URL"
    )
    remedy = f"Compare user, password and database in {variable} with those of the server, and its pg_hba.conf."
    return AREA.error(f"login {postgres_role(url)}", f"refused for {', '.join(users)}: {reason(error)}", remedy)


async def _read_status(connection: Connection) -> ServerStatus:
    row = await (await connection.execute(_QUERIES.server)).fetchone()
    assert row is not None
    version, number, standby, _ = row
    return ServerStatus(version=version, number=number, standby=standby, seconds=await round_trip(connection))


async def _capacity(connection: Connection) -> int:
    row = await (await connection.execute(_QUERIES.capacity)).fetchone()
    assert row is not None
    return int(row[0])


async def _revision(connection: Connection, *, embedded: bool) -> Finding | None:
    """Return the finding about the revision, or None when this login may not read it."""
    try:
        row = await (await connection.execute(_QUERIES.revision)).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.errors.UndefinedTable:
        row = None
    return revision_finding(None if row is None else str(row[0]), known_revisions(), embedded=embedded)


async def _append(connection: Connection, purpose: Purpose, url: str) -> Finding | None:
    """Return the finding about an append, or None when this login makes none."""
    return await try_append(connection, _QUERIES, postgres_role(url)) if purpose is Purpose.APP else None


async def _rights(connection: Connection, url: str) -> Rights:
    tables = await (await connection.execute(_QUERIES.tables)).fetchall()
    rights = await (await connection.execute(_QUERIES.table_rights)).fetchall()
    may_append = await (await connection.execute(_QUERIES.may_append)).fetchone()
    may_recover = await (await connection.execute(_QUERIES.may_recover)).fetchone()
    assert may_append is not None
    assert may_recover is not None
    other_ways = await (await connection.execute(_QUERIES.other_ways)).fetchall()
    return Rights(
        role=postgres_role(url),
        tables=frozenset(name for (name,) in tables),
        of={name: frozenset(each) for name, each in rights},
        may_append=may_append[0],
        may_recover=may_recover[0],
        other_ways=tuple(way for (way,) in other_ways),
    )
