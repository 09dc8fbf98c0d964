"""Runs the migrations from the command line."""

import sys
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from infra.migrations.runner import create_revision, head_revision, upgrade
from infra.settings.loading import load_settings
from infra.settings.postgres import MigrationSettings


def run_migrate() -> int:
    """Apply the pending migrations; return the exit code."""
    settings = load_settings(MigrationSettings)
    try:
        upgrade(settings.migration_database_url.get_secret_value())
    except DBAPIError as error:
        print(f"paystream: the migration failed: {str(error.orig).strip()}", file=sys.stderr)
        return 1
    print(f"The database is at revision {head_revision()}.")
    return 0


def run_migrate_create(message: str) -> int:
    """Write the files of a new migration and say where they are; return the exit code."""
    try:
        paths = create_revision(message)
    except ValueError as error:
        print(f"paystream: {error}", file=sys.stderr)
        return 1
    for path in paths:
        print(_shown(path))
    return 0


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
