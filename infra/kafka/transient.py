"""Which failures pass by themselves: a dependency that is away, a deadlock, a time-out."""

import psycopg
from aiokafka.errors import KafkaError

_TRANSIENT = (
    psycopg.OperationalError,  # no connection, no free one, server starting or stopping, deadlock, disk full
    psycopg.errors.ReadOnlySqlTransaction,  # connected to a primary that has just been demoted
    ConnectionError,
    TimeoutError,
)


def is_transient(error: BaseException) -> bool:
    """Return whether trying the same again later can help."""
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return isinstance(error, _TRANSIENT)
