"""Settings of the migrations."""

from infra.settings.postgres import PostgresUrl
from infra.settings.process import ProcessSettings


class MigrationSettings(ProcessSettings):
    """Settings of `paystream migrate`."""

    migration_database_url: PostgresUrl
    """The database, through the role that owns it; the processes' roles cannot change tables."""
