"""Which failures are worth trying again, and which are the record's own: those make it a dead letter.

A failure passes by itself (a dependency that is away, a deadlock, a time-out), or it is systemic: the database refuses
something that has nothing to do with the record, such as a missing table or right. A systemic one needs somebody to
act, but to give up on the record would only lose its place.
"""

from uuid import UUID

import psycopg
from aiokafka.errors import KafkaError

from infra.errors import InfraError

_TRANSIENT = (
    psycopg.OperationalError,  # no connection, no free one, server starting or stopping, deadlock, disk full
    psycopg.errors.ReadOnlySqlTransaction,  # connected to a primary that has just been demoted
    ConnectionError,
    TimeoutError,
)
# What PostgreSQL says of the values at hand.
_OF_THE_VALUES = (psycopg.DataError, psycopg.IntegrityError)
_TOO_MUCH_OR_TOO_COMPLEX = "54"


class ForeignCluster(InfraError):
    """Kafka holds what was published from another log: this cluster, or this database, was attached by mistake."""

    def __init__(self, ours: UUID, theirs: UUID | None) -> None:
        super().__init__(
            f"Kafka holds events of the log {theirs}, and this database is the log {ours}: nothing is taken from there "
            "and nothing is published to it. Compare KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL."
        )


def is_transient(error: BaseException) -> bool:
    """Return whether trying the same again later can help."""
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return isinstance(error, _TRANSIENT) and not _exceeds_a_limit(error)


def is_systemic(error: BaseException) -> bool:
    """Return whether the same holds for the next record: the cluster is another's, or the database refused.

    Also "cached plan must not change result type", after a migration.
    """
    return isinstance(error, ForeignCluster) or (
        isinstance(error, psycopg.Error)
        and not isinstance(error, _OF_THE_VALUES)
        and not is_transient(error)
        and not _exceeds_a_limit(error)
    )


def is_worth_retrying(error: BaseException) -> bool:
    """Return whether the failure is not the record's own."""
    return is_transient(error) or is_systemic(error)


def _exceeds_a_limit(error: BaseException) -> bool:
    """Whether a value or statement is too big for PostgreSQL, which to psycopg is an operational error.

    https://www.postgresql.org/docs/current/errcodes-appendix.html: class 54.
    """
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_TOO_MUCH_OR_TOO_COMPLEX)
