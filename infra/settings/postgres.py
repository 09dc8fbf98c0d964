"""The event store's database and the read model's, and the role that migrates them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from infra.postgres.pooling import Pooling
from infra.settings.tls import PostgresTlsSettings


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


class PoolerSettings(PostgresTlsSettings):
    """What stands between the processes and PostgreSQL."""

    database_pooler: Literal["none", "transaction"] = "none"
    """transaction: DATABASE_URL and READ_DATABASE_URL lead to a pooler in transaction mode, like PgBouncer."""
    database_pooler_prepares: bool = False
    """Whether that pooler keeps prepared statements: PgBouncer from 1.21 on, with max_prepared_statements."""

    @property
    def pooling(self) -> Pooling:
        """How to speak to the database."""
        is_transaction = self.database_pooler == "transaction"
        return Pooling(is_transaction=is_transaction, prepares=self.database_pooler_prepares or not is_transaction)


class DatabaseSettings(PoolerSettings):
    """The event store's database, read and written."""

    database_url: PostgresUrl
    database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


class SessionSettings(DatabaseSettings):
    """The same, for who also needs sessions: their advisory locks, and LISTEN."""

    database_direct_url: PostgresUrl | None = None
    """PostgreSQL itself, past the pooler that DATABASE_URL leads to. None: DATABASE_URL leads to PostgreSQL itself."""

    @property
    def direct_url(self) -> str:
        """The address for what needs a session."""
        return (self.database_direct_url or self.database_url).get_secret_value()


class AppendSettings(DatabaseSettings):
    """What is appended for others, whose size is not known before."""

    event_max_bytes: Annotated[int, Field(ge=10_000)] = 900_000
    """The largest event that is recorded: the topics' max.message.bytes (1048588 by default) less a margin for headers.
    What Kafka refuses would be missing in the topic."""


class ReadDatabaseSettings(PoolerSettings):
    """The read model's database, through a role that can only read."""

    read_database_url: PostgresUrl
    read_database_pool_size: Annotated[int, Field(ge=1, le=500)] = 10


class AuditDatabaseSettings(PostgresTlsSettings):
    """The log and what was built from it, through a role that can only read."""

    audit_database_url: PostgresUrl


class AccessDatabaseSettings(PostgresTlsSettings):
    """Merchants and API keys, through the role that may change them."""

    access_database_url: PostgresUrl


class MigrationSettings(PostgresTlsSettings):
    """Settings of `paystream migrate`."""

    migration_database_url: PostgresUrl
    """The database, through the role that owns it; the processes' roles cannot change tables."""
