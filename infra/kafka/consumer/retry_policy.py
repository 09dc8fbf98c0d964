"""Decides which failures are tried again, and which make a record a dead letter.

- Transient: it passes by itself (a dependency that is away, a deadlock, a time-out). Tried again.
- Systemic: the database refuses something that has nothing to do with the record, such as a missing table or right. It
  needs somebody to act, but a dead letter would only lose the record's place. Tried again.
- Permanent: everything else is the record's own fault. It becomes a dead letter.

Errors of ours say which they are by their base, `infra.errors.Transient` or `Permanent`; those of others are
listed here.
"""

import psycopg
from aiokafka.errors import KafkaError

from infra.errors import Permanent, Transient
from infra.kafka.consumer.own_log import ForeignCluster

_TRANSIENT = (
    Transient,
    psycopg.OperationalError,  # no connection, no free one, server starting or stopping, deadlock, disk full
    psycopg.errors.ReadOnlySqlTransaction,  # connected to a primary that has just been demoted
    ConnectionError,
    TimeoutError,
)
_PERMANENT = (
    Permanent,
    psycopg.DataError,  # about the values at hand, as the next one
    psycopg.IntegrityError,
)
_TOO_MUCH_OR_TOO_COMPLEX = "54"


def is_transient(error: BaseException) -> bool:
    """Return whether trying the same again later can help."""
    if isinstance(error, KafkaError):
        return bool(error.retriable)
    return isinstance(error, _TRANSIENT) and not _is_permanent(error)


def is_systemic(error: BaseException) -> bool:
    """Return whether the next record would fail likewise: the cluster is another's, or the database refused.

    Also "cached plan must not change result type", after a migration.
    """
    if isinstance(error, ForeignCluster):
        return True
    return isinstance(error, psycopg.Error) and not is_transient(error) and not _is_permanent(error)


def is_worth_retrying(error: BaseException) -> bool:
    """Return whether the failure is not the record's own."""
    return is_transient(error) or is_systemic(error)


def _is_permanent(error: BaseException) -> bool:
    return isinstance(error, _PERMANENT) or _exceeds_a_limit(error)


def _exceeds_a_limit(error: BaseException) -> bool:
    """Whether a value or statement is too big for PostgreSQL, which to psycopg is an operational error.

    https://www.postgresql.org/docs/current/errcodes-appendix.html: class 54.
    """
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_TOO_MUCH_OR_TOO_COMPLEX)
