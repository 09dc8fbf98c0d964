"""Applies and creates migrations; called by `paystream migrate` and by the embedded stack.

Safe to run from many processes at once: an advisory lock lets one work while the others wait.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from infra.errors import InfraError

_HERE = Path(__file__).parent
_LOCK_KEY = 0x7061_7973  # "pays": any constant that no other program takes on this database
_LOOK_AGAIN_S = 0.1


class UnknownRevision(InfraError):
    """The database is at a revision that no release has."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"the database is at revision {revision!r}, which no release of Paystream has")


def upgrade(database_url: str, revision: str = "head") -> str:
    """Bring the database at `database_url` (owner role; a URL or "host=... dbname=...") to `revision`.

    Returns the revision that it is at then. One that a newer release has migrated is left as it is: releases run beside
    the one after them. Raises UnknownRevision, and sqlalchemy.exc.OperationalError when the database cannot be reached.
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


def is_newer(revision: str, head: str) -> bool:
    """Whether a release after the one with `head` made a revision: they are one line, and numbered."""
    return revision.isdecimal() and int(revision) > int(head)


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
            work(config)
            connection.commit()
        finally:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
            connection.commit()


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
