"""Runs the migrations from the command line."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from sqlalchemy.exc import DBAPIError

from infra.cli.execute import one_line
from infra.cli.exit_codes import WRONG_OPTION
from infra.migrations.revisions import is_newer
from infra.migrations.runner import UnknownRevision, create_revision, head_revision, upgrade
from infra.postgres.sessions import NeedsSession, require_session
from infra.settings.loading import load_settings
from infra.settings.postgres import MigrationSettings


def run_migrate() -> int:
    """Apply the pending migrations; return the exit code."""
    url = load_settings(MigrationSettings).migration_database_url.get_secret_value()
    try:
        _require_session(url)
        reached = upgrade(url)
    except (NeedsSession, UnknownRevision) as error:
        print(f"paystream: {error}", file=sys.stderr)
        return WRONG_OPTION if isinstance(error, NeedsSession) else 1
    except (DBAPIError, psycopg.Error) as error:  # psycopg's own: of a script
        reason = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        print(f"paystream: the migration failed: {one_line(reason)}", file=sys.stderr)
        return 1
    head = head_revision()
    if is_newer(reached, head):
        print(f"The database is at revision {reached}, of a newer release than this one ({head}): it is left as it is.")
    else:
        print(f"The database is at revision {reached}.")
    return 0


def _require_session(url: str) -> None:
    """Look in a thread: whoever calls this may have an event loop of their own."""
    looking = require_session(url, user="a migration", variable="MIGRATION_DATABASE_URL")
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, looking).result()


def run_migrate_create(message: str) -> int:
    """Write the files of a new migration and say where they are; return the exit code."""
    try:
        paths = create_revision(message)
    except ValueError as error:
        print(f"paystream: {error}", file=sys.stderr)
        return WRONG_OPTION
    for path in paths:
        print(_shown(path))
    return 0


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
