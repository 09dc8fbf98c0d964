"""A connection pool that survives restarts of the server, and distinguishes an outage from an answer."""

import asyncio
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from time import monotonic
from typing import ClassVar, TypeAlias

import psycopg
import structlog
from prometheus_client import Counter
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from infra.errors import Unavailable
from infra.postgres.pooling import DIRECT, Pooling
from infra.process.health import Check, DependencyMissing, Unhealthy

log = structlog.get_logger(__name__)

Connection: TypeAlias = psycopg.AsyncConnection[TupleRow]

REFUSED = Counter(
    "database_pool_refused_total", "Requests refused as too many waited for a connection of the pool", ["pool"]
)

# What a connection string may override. Times are in seconds but for tcp_user_timeout (ms).
_CONNECTION_DEFAULTS = {
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# A process that is frozen (SIGSTOP, a paused container or machine) inside a transaction keeps its row locks, and its
# positions keep the relay waiting at their gap: without this, no payment goes on until the process does.
_OPTIONS = "-c idle_in_transaction_session_timeout=3000"
# The database answered, so there is no outage: serialization failures and deadlocks, a value or statement
# beyond its limits, a canceled statement, a lock not available.
_ANSWERS = ("40", "54", "57014", "55P03")
# Insufficient resources (a full disk, no memory) and system errors (I/O): reads may still work.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
# So they do on a server that takes no writes: a primary that was demoted, or one that its provider closed when full.
_SHORTAGES = ("53", "58", "25006")
_SHORT_FOR_S = 10.0
_CHECK_S = 0.9
_ASK_AGAIN_S = 0.02
_GUARD = "SELECT pg_backend_pid(), current_setting('idle_in_transaction_session_timeout')"
_LOST = (
    "idle_in_transaction_session_timeout is 0 behind this pooler: a process that is frozen in a transaction would hold "
    "up every payment. Run SELECT event_store.apply_login_settings() as the owner of the database"
)


class Plans(StrEnum):
    """When a prepared statement is planned: the settings of a connection that say so.

    A plan that was made while its table was small reads all of it, and is kept when the table has grown: none that is
    kept may do so. https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-PLAN-CACHE-MODE
    """

    ONCE = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
    """Once for a connection, by indexes: right for statements that look for a few rows."""
    AT_EACH_CALL = "-c plan_cache_mode=force_custom_plan"
    """For the values of each call: right where they decide, and longer than most calls take."""
    AS_COSTED = "-c enable_seqscan=off"
    """For the values of the first five calls; then once, if by PostgreSQL's estimates those plans were no better."""


class DatabaseUnavailable(Unavailable, psycopg.OperationalError):
    """PostgreSQL cannot be reached, is full, or went away: what was in flight may or may not be done."""

    code: ClassVar[str] = "database_unavailable"
    title: ClassVar[str] = "The database is not available"


class PoolOverloaded(DatabaseUnavailable):
    """More wait for a connection already than will have one soon. Nothing was done."""

    code: ClassVar[str] = "overloaded"
    title: ClassVar[str] = "Too many requests are under way"


class Unguarded(psycopg.OperationalError):
    """A connection lacks a setting that it cannot be used without."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise `DatabaseUnavailable` for psycopg's errors that mean so; other errors pass."""
    try:
        yield
    except DatabaseUnavailable:
        raise
    except (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.ReadOnlySqlTransaction) as error:
        # To psycopg "internal errors".
        raise DatabaseUnavailable(str(error).strip()) from error
    except psycopg.OperationalError as error:
        if error.sqlstate is not None and error.sqlstate.startswith(_ANSWERS):
            raise
        raise DatabaseUnavailable(str(error).strip() or type(error).__name__) from error


class Pool(AsyncConnectionPool[Connection]):
    """A pool that raises `DatabaseUnavailable`, and hands out no connection that the server has closed.

    After a restart of PostgreSQL every idle connection is dead, and psycopg's pool would hand out each once.
    Looking at the socket costs microseconds, where the pool's own `check` costs a round trip.
    """

    _short_of: tuple[float, str] | None = None  # when, and what was lacking
    _unguarded: str | None = None  # why no connection is used, though there are some

    def short_of(self) -> str | None:
        """Return what PostgreSQL lacked recently, for example when its disk is full: a SELECT may still be answered."""
        if self._short_of is None or monotonic() - self._short_of[0] > _SHORT_FOR_S:
            return None
        return self._short_of[1]

    def unguarded(self) -> str | None:
        """Return why no connection is used, when a pooler has lost what every one of them must have."""
        return self._unguarded

    async def refuse_unguarded(self, connection: Connection, pooling: Pooling) -> None:
        """Raise `Unguarded` when a new connection is without the limit that `_OPTIONS` explains."""
        cursor = await connection.execute(_GUARD, prepare=False)
        row = await cursor.fetchone()
        await connection.rollback()
        assert row is not None
        backend, limit = row
        is_pooled = pooling.is_transaction or backend != connection.info.backend_pid
        self._unguarded = _LOST if is_pooled and limit == "0" else None
        if self._unguarded is not None:
            log.error("database_settings_lost", pool=self.name, error=self._unguarded)
            raise Unguarded(self._unguarded)

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - the base's signature
        """Take a live connection; `timeout` in seconds, by default the pool's."""
        deadline = monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            cancels = _cancels()
            connection = await super().getconn(deadline - monotonic())
            # Python 3.11's `asyncio.wait_for`, which the base waits with, forgets a cancellation in the instant of its
            # result (https://github.com/python/cpython/issues/86296): who waits for this task to end waits for ever.
            is_canceled = _cancels() > cancels
            if _is_alive(connection) and not is_canceled:
                return connection
            await self.putconn(connection)
            if is_canceled:
                raise asyncio.CancelledError

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109
        """Yield a connection; commits at the end of the block, rolls back when it raises.

        Raises PoolOverloaded at once when as many wait as may.
        """
        with database_errors():
            try:
                async with super().connection(timeout) as connection:
                    yield connection
            except TooManyRequests as error:
                REFUSED.labels(self.name).inc()
                raise PoolOverloaded(f"{self.max_waiting} wait for a connection already") from error
            except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
                if (error.sqlstate or "").startswith(_SHORTAGES):
                    self._short_of = monotonic(), str(error).strip().splitlines()[0]
                raise


def create_pool(
    url: str,
    *,
    size: int,
    name: str,
    idle: int = 1,
    autocommit: bool = False,
    plans: Plans = Plans.ONCE,
    configure: Callable[[Connection], Awaitable[None]] | None = None,
    pooling: Pooling = DIRECT,
    max_waiting: int = 0,
) -> Pool:
    """Return a pool that is not open yet: `await pool.open()` returns at once, with PostgreSQL up or down.

    `name` is what `pg_stat_activity` shows, and `idle` how many connections are kept at least. Transactions are
    explicit but with `autocommit` (single reads need none), statements are prepared on their second use.
    `configure` is given every new connection first, and leaves it outside of a transaction. Who waits longer than 3 s
    for a connection gets `DatabaseUnavailable`, and who comes while `max_waiting` wait (0: any number)
    `PoolOverloaded` at once. `pooling`: what `url` leads to; behind a pooler in transaction mode,
    settings and plans are those of the login role (migration 0041).
    """

    async def configured(connection: Connection) -> None:
        await pool.refuse_unguarded(connection, pooling)
        if configure is not None:
            await configure(connection)

    options = f"{_OPTIONS} {plans}"
    pool = Pool(
        connection_string(url, name=name, options=options, pooling=pooling),
        kwargs={"autocommit": autocommit, "prepare_threshold": pooling.prepare_threshold()},
        min_size=idle,
        max_size=size,
        max_waiting=max_waiting,
        name=name,
        configure=configured,
        timeout=3,
        # Attempts double their pause until this: more would mean to be still asleep when PostgreSQL is back.
        # When it has passed, the next request makes a new attempt at once.
        reconnect_timeout=3,
        open=False,
    )
    if max_waiting:
        REFUSED.labels(name)  # from the start: Prometheus sees no rise in a series that it sees for the first time
    return pool


async def connect(url: str, pooling: Pooling, *, autocommit: bool = False) -> Connection:
    """Return a connection for a command. Raises psycopg.OperationalError."""
    threshold = pooling.prepare_threshold(use=5)
    return await psycopg.AsyncConnection.connect(
        url, autocommit=autocommit, prepare_threshold=threshold, connect_timeout=5
    )


def connection_string(url: str, *, name: str, options: str, pooling: Pooling) -> str:
    """Return `url` with our defaults; what it has itself wins. Poolers in transaction mode take no options."""
    given = conninfo_to_dict(url)
    defaults = {"application_name": name, **_CONNECTION_DEFAULTS}
    changes = {key: value for key, value in defaults.items() if key not in given}
    if not pooling.is_transaction:
        changes["options"] = f"{options} {given.get('options', '')}".strip()  # the later one wins
    return make_conninfo(url, **changes)


def postgres_check(pool: Pool) -> Check:
    """Return a readiness check that queries the database, and fails while it lacks what writing needs."""

    async def answers(deadline: float) -> None:
        while True:
            try:
                async with pool.connection(timeout=max(deadline - monotonic(), 0)) as connection:
                    await connection.execute("SELECT 1")
            except PoolOverloaded:  # which says nothing of the database, unless it goes on
                if monotonic() >= deadline:
                    raise
                await asyncio.sleep(_ASK_AGAIN_S)
            else:
                return

    async def check() -> None:
        try:
            await answers(monotonic() + _CHECK_S)
        except (psycopg.Error, PoolTimeout) as error:
            raise DependencyMissing(pool.unguarded() or "database not available") from error
        if (shortage := pool.short_of()) is not None:
            raise Unhealthy(f"database cannot write: {shortage}")

    return check


def _cancels() -> int:
    """Return how often this task was told to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _is_alive(connection: Connection) -> bool:
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    # Something that came unasked is a notice, a parameter change, or the server's farewell and then the end of
    # the stream, which stays readable until libpq has seen it.
    while poll.poll(0):
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
        if connection.closed:
            return False
    return True
