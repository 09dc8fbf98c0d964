"""The server itself: whether it answers, which version it is, and whether it can be written."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA
from infra.postgres.pool import Connection
from infra.postgres.sessions import REFUSED_OPTIONS

_TRIED = 18
_OLDEST = 13  # pg_current_xact_id(): the log is read in order with it
_MS = 1000
CONNECT_S = 3
STATEMENT_MS = 3000


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """What it says of itself."""

    version: str
    number: int
    standby: bool
    seconds: float
    """A round trip."""


async def connect(url: str) -> Connection:
    """Return a connection on which no statement takes long, but behind a pooler. Raises psycopg.OperationalError."""
    options = f"-c statement_timeout={STATEMENT_MS} {conninfo_to_dict(url).get('options', '')}".strip()
    plain = make_conninfo(url, connect_timeout=CONNECT_S, application_name="paystream-doctor")
    try:
        return await _connect(make_conninfo(plain, options=options))
    except psycopg.OperationalError as error:
        if REFUSED_OPTIONS not in str(error):
            raise
    return await _connect(plain)


async def _connect(conninfo: str) -> Connection:
    # Nothing is prepared: behind a pooler, another client would meet it.
    return await psycopg.AsyncConnection.connect(conninfo, autocommit=True, prepare_threshold=None)


async def round_trip(connection: Connection) -> float:
    """Return how long a question and its answer take, in seconds: the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        await connection.execute("SELECT 1")
        times.append(time.perf_counter() - began)
    return min(times)


def refused_connection(error: psycopg.OperationalError) -> bool:
    """Whether the server answered, and would not have us: of a failed login, psycopg tells no SQLSTATE."""
    return "FATAL:" in str(error)


def reason(error: psycopg.Error) -> str:
    """Return the first line of what is the matter."""
    text = str(error).strip() or type(error).__name__
    return text.partition("FATAL:")[2].strip().splitlines()[0] if "FATAL:" in text else text.splitlines()[0]


def away(address: str, error: psycopg.OperationalError, *, embedded: bool) -> Finding:
    """Return the finding that no server answers there."""
    remedy = "Is it running, and may this machine reach it? Compare host and port with DATABASE_URL."
    if embedded:
        remedy = "`make run` starts it again by itself; its log: logs/postgres.log in PAYSTREAM_HOME."
    return AREA.error("server", f"{address} does not answer: {reason(error)}", remedy)


def server_findings(address: str, status: ServerStatus, *, written: bool) -> Iterator[Finding]:
    """Rate a server that answers; `written`: whether processes append there."""
    summary = f"PostgreSQL {status.version.split()[0]} at {address}, a round trip takes {status.seconds * _MS:.1f} ms"
    major = status.number // 10_000
    if major < _OLDEST:
        remedy = f"Upgrade it to {_TRIED}: event_store.append needs functions that came with {_OLDEST}."
        yield AREA.error("server", f"{summary}: too old", remedy)
    elif status.standby and written:
        remedy = "Name the primary in DATABASE_URL, or all hosts and target_session_attrs=read-write."
        yield AREA.error("server", f"{summary}: it is a standby, nothing can be appended there", remedy)
    else:
        yield AREA.ok("server", summary if major == _TRIED else f"{summary} (tried with {_TRIED})")
