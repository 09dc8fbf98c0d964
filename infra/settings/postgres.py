"""The event store's database and the read model's, and the role that migrates them."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from infra.settings.process import ProcessSettings


def _check_postgres_url(value: SecretStr) -> SecretStr:
    from psycopg import ProgrammingError  # noqa: PLC0415 - not every process has a database
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        conninfo_to_dict(value.get_secret_value())
    except ProgrammingError:
        # "from None": libpq repeats a part of the value.
        raise ValueError("must be like postgresql://user:password@host:5432/database") from None
    return value


PostgresUrl = Annotated[SecretStr, AfterValidator(_check_postgres_url)]
"""A URL, or keywords: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING."""


class DatabaseSettings(ProcessSettings):
    """The event store's database, read and written."""

    database_url: PostgresUrl
    database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


class AppendSettings(DatabaseSettings):
    """What is appended for others, whose size is not known before."""

    event_max_bytes: Annotated[int, Field(ge=10_000)] = 900_000
    """The largest event that is recorded: the topics' max.message.bytes (1048588 by default) less a margin for headers.
    What Kafka refuses would be missing in the topic."""


class ReadDatabaseSettings(ProcessSettings):
    """The read model's database, through a role that can only read."""

    read_database_url: PostgresUrl
    read_database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


class AuditDatabaseSettings(ProcessSettings):
    """The log and what was built from it, through a role that can only read."""

    audit_database_url: PostgresUrl


class AccessDatabaseSettings(ProcessSettings):
    """Merchants and API keys, through the role that may change them."""

    access_database_url: PostgresUrl


class MigrationSettings(ProcessSettings):
    """Settings of `paystream migrate`."""

    migration_database_url: PostgresUrl
    """The database, through the role that owns it; the processes' roles cannot change tables."""
