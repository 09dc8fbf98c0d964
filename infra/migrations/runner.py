"""Applies and creates migrations; called by `paystream migrate` and by the embedded stack.

Safe to run from many processes at once: an advisory lock lets one work while the others wait. Safe beside processes
that append: where a table cannot be locked at once, the migration lets those pass who wait behind it, and tries again.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import sqlalchemy
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from infra.errors import InfraError
from infra.migrations.revisions import is_newer

_HERE = Path(__file__).parent
_LOCK_KEY = 0x7061_7973  # "pays": any constant that no other program takes on this database
_LOOK_AGAIN_S = 0.1
_LOCK_WITHIN_MS = 400
"""How long a migration waits for a table that others use. Their next statements wait behind it for as long."""
_TRY_AGAIN_S = 2.0
_TRIES = 150

log = structlog.get_logger(__name__)


class UnknownRevision(InfraError):
    """The database is at a revision that no release has."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"the database is at revision {revision!r}, which no release of Paystream has")


def upgrade(database_url: str, revision: str = "head") -> str:
    """Bring the database at `database_url` (owner role; a URL or "host=... dbname=...") to `revision`.

    Returns the revision that it is at then. One that a newer release has migrated is left as it is: releases run beside
    the one after them. Raises UnknownRevision, and sqlalchemy.exc.OperationalError when the database cannot be reached,
    and when a transaction of somebody else keeps a table from it for five minutes; what was migrated until then stays.
    """
    reached = ""

    def work(config: Config) -> None:
        nonlocal reached
        there = _revision_of(config)
        if there is None or _is_known(there):
            command.upgrade(config, revision)
            there = _revision_of(config)
        elif not is_newer(there, head_revision()):
            raise UnknownRevision(there)
        reached = there or ""

    _run(database_url, work)
    return reached


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision` ("base" removes everything, events included)."""
    _run(database_url, lambda config: command.downgrade(config, revision))


def head_revision() -> str:
    """Return the newest revision that this code knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def create_revision(message: str) -> list[Path]:
    """Write the next numbered revision with empty up and down SQL files; return the new paths."""
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    if not slug:
        msg = "a migration needs a message with at least one letter or digit"
        raise ValueError(msg)
    number = f"{int(head_revision()) + 1:04d}"
    command.revision(_config(), message=message, rev_id=number)
    scripts = [_HERE / "sql" / f"{number}_{slug}.{way}.sql" for way in ("up", "down")]
    for script in scripts:
        script.write_text(f"-- {message}\n", encoding="utf-8")
    return [*(_HERE / "versions").glob(f"{number}_*.py"), *scripts]


def _revision_of(config: Config) -> str | None:
    connection = config.attributes["connection"]
    there = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return there


def _is_known(revision: str) -> bool:
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(script.revision == revision for script in known)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def _run(database_url: str, work: Callable[[Config], None]) -> None:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        # libpq reads the string, as for every other connection: SQLAlchemy knows URLs alone
        creator=lambda: psycopg.connect(database_url),
        poolclass=sqlalchemy.pool.NullPool,
    )
    config = _config()
    with engine.connect() as connection:
        _lock(connection)
        config.attributes["connection"] = connection
        try:
            _work_between_others(connection, lambda: work(config))
        finally:
            connection.rollback()
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
            connection.commit()


def _work_between_others(connection: sqlalchemy.Connection, work: Callable[[], None]) -> None:
    """Do the work, and again what is left of it when a table could not be locked at once."""
    connection.execute(sqlalchemy.text(f"SET lock_timeout = {_LOCK_WITHIN_MS}"))
    connection.commit()
    for tries_left in reversed(range(_TRIES)):
        try:
            work()
            connection.commit()
        except (sqlalchemy.exc.OperationalError, psycopg.errors.LockNotAvailable) as error:
            refusal = error.orig if isinstance(error, sqlalchemy.exc.OperationalError) else error  # of a script's
            if not isinstance(refusal, psycopg.errors.LockNotAvailable) or not tries_left:
                raise
            connection.rollback()
            log.warning("migration_waits_for_a_table", reason=str(refusal).splitlines()[0], again_in_s=_TRY_AGAIN_S)
            time.sleep(_TRY_AGAIN_S)
        else:
            return


def _lock(connection: sqlalchemy.Connection) -> None:
    """Wait until no other process migrates.

    Not within a statement: an index that is built concurrently would wait for that.
    """
    while True:
        ours = connection.execute(sqlalchemy.text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}).scalar()
        connection.commit()
        if ours:
            return
        time.sleep(_LOOK_AGAIN_S)
