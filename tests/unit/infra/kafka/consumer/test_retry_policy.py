"""Which failures are tried again, and which make a record a dead letter."""

import psycopg
import pytest
from aiokafka.errors import RequestTimedOutError, TopicAuthorizationFailedError
from psycopg import errors

from infra.kafka.consumer.retry_policy import is_systemic, is_transient, is_worth_retrying
from infra.postgres.pool import DatabaseUnavailable
from schemas.errors import UnknownEventType


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailable("away"),
        psycopg.OperationalError("no connection"),
        errors.DeadlockDetected(),
        errors.ReadOnlySqlTransaction(),
        ConnectionResetError(),
        TimeoutError(),
        RequestTimedOutError(),
    ],
)
def test_what_passes_by_itself(error: Exception) -> None:
    assert is_transient(error)
    assert not is_systemic(error)
    assert is_worth_retrying(error)


@pytest.mark.parametrize(
    "error",
    [
        errors.InsufficientPrivilege(),
        errors.UndefinedTable(),
        errors.UndefinedFunction(),
        errors.FeatureNotSupported("cached plan must not change result type"),
        errors.InternalError_(),
        psycopg.InterfaceError(),
    ],
)
def test_what_the_database_refuses_whatever_the_record(error: Exception) -> None:
    assert not is_transient(error)
    assert is_systemic(error)
    assert is_worth_retrying(error)


@pytest.mark.parametrize(
    "error",
    [
        UnknownEventType("x"),
        ValueError(),
        KeyError(),
        errors.UniqueViolation(),
        errors.CheckViolation(),
        errors.UntranslatableCharacter(),
        psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
        errors.ProgramLimitExceeded("index row size 3000 exceeds maximum 2712"),
        TopicAuthorizationFailedError(),
    ],
)
def test_what_is_the_records_own(error: Exception) -> None:
    assert not is_worth_retrying(error)
