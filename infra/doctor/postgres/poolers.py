"""Whether addresses lead to PostgreSQL or to a pooler, as the processes that use them need it."""

from collections.abc import AsyncGenerator, Iterator
from functools import partial

import psycopg

from infra.doctor.addresses import UNREADABLE, postgres_address
from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA
from infra.doctor.postgres.server import CONNECT_S
from infra.postgres.pooling import Pooling
from infra.postgres.sessions import Sessions, sessions_at
from infra.settings.postgres import DatabaseSettings, ReadDatabaseSettings, SessionSettings

SESSIONS, POOLER = "sessions", "pooler"
_DIRECT = "Set DATABASE_DIRECT_URL to PostgreSQL itself."
_SETTINGS = "As the owner of the database: SELECT event_store.apply_login_settings()"
_TRIES = 5
_GUARD = "SELECT current_setting('idle_in_transaction_session_timeout')"


def pooler_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each address that needs sessions, and for each that is said to lead to a pooler or not."""
    direct: dict[str, list[str]] = {}
    for each in deployment.targets(SessionSettings).found:
        direct.setdefault(each.settings.direct_url, []).extend(each.users)
    shared: dict[tuple[str, Pooling], list[str]] = {}
    for written in deployment.targets(DatabaseSettings).found:
        key = written.settings.database_url.get_secret_value(), written.settings.pooling
        shared.setdefault(key, []).extend(written.users)
    for read in deployment.targets(ReadDatabaseSettings).found:
        key = read.settings.read_database_url.get_secret_value(), read.settings.pooling
        shared.setdefault(key, []).extend(read.users)
    for url, users in direct.items():
        if postgres_address(url) != UNREADABLE:
            yield Check(area=AREA, run=partial(_look_at_sessions, url, users))
    for (url, pooling), users in shared.items():
        if postgres_address(url) != UNREADABLE and (pooling.is_transaction or url not in direct):
            yield Check(area=AREA, run=partial(_look_at_pooler, url, pooling, users))


async def _look_at_sessions(url: str, users: list[str]) -> AsyncGenerator[Finding, None]:
    try:
        found = await sessions_at(url)
    except psycopg.OperationalError:
        return  # that it does not answer is said already
    yield sessions_finding(postgres_address(url), found, users)


def sessions_finding(address: str, found: Sessions, users: list[str]) -> Finding:
    """Rate what the address of processes that need sessions leads to."""
    names = ", ".join(users)
    if found is Sessions.LOST:
        detail = f"{address} is {found}: of {names}, locks would be granted twice and signals lost"
        return AREA.error(SESSIONS, detail, _DIRECT)
    return AREA.ok(SESSIONS, f"{names} have sessions of their own: {address} is {found}")


async def _look_at_pooler(url: str, pooling: Pooling, users: list[str]) -> AsyncGenerator[Finding, None]:
    try:
        found = await sessions_at(url)
        is_guarded = keeps = True
        if found is Sessions.LOST and pooling.is_transaction:
            is_guarded, keeps = await _is_guarded(url), not pooling.prepares or await _keeps_statements(url)
    except psycopg.OperationalError:
        return  # that it does not answer is said already
    address, names = postgres_address(url), ", ".join(users)
    finding = pooler_finding(address, found, pooling, names, is_guarded=is_guarded, keeps=keeps)
    if finding is not None:
        yield finding


def pooler_finding(
    address: str, found: Sessions, pooling: Pooling, users: str, *, is_guarded: bool = True, keeps: bool = True
) -> Finding | None:
    """Rate what an address leads to, beside what the settings say; None: there is no pooler, and none was named."""
    if found is Sessions.LOST and not pooling.is_transaction:
        detail = f"{address} is {found}, which DATABASE_POOLER does not say ({users})"
        return AREA.error(POOLER, detail, "Set DATABASE_POOLER=transaction.")
    if not pooling.is_transaction:
        return None
    if found is not Sessions.LOST:
        detail = f"DATABASE_POOLER=transaction, and {address} is {found}: nothing is prepared for no reason ({users})"
        return AREA.warning(POOLER, detail, "Leave DATABASE_POOLER empty.")
    if not is_guarded:
        detail = f"at {address}, a process that is frozen in a transaction would hold up every payment ({users})"
        return AREA.error(POOLER, detail, _SETTINGS)
    if not keeps:
        remedy = "Set DATABASE_POOLER_PREPARES=false; or max_prepared_statements, in PgBouncer 1.21 or newer."
        return AREA.error(POOLER, f"{address} keeps no prepared statements ({users})", remedy)
    return AREA.ok(POOLER, f"{address} is {found}, and lets {users} through as they are set up")


async def _is_guarded(url: str) -> bool:
    async with await _connect(url) as connection:
        row = await (await connection.execute(_GUARD)).fetchone()
        return row is not None and row[0] != "0"


async def _keeps_statements(url: str) -> bool:
    """Whether a second connection is spared what a first one has prepared, on the server connection that both get.

    Each may get another one now and then, while others use the pooler: so they try several times.
    """
    async with await _connect(url) as first, await _connect(url) as second:
        try:
            for number in range(_TRIES):
                await first.execute(f"SELECT 1, {number}", prepare=True)
                await second.execute(f"SELECT 2, {number}", prepare=True)
        except (psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName):
            return False
    return True


async def _connect(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=5, connect_timeout=CONNECT_S)
