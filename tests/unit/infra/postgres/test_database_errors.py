import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from infra.errors import Unavailable
from infra.postgres.pool import DatabaseUnavailable, create_pool, database_errors


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection refused"),
        PoolTimeout("couldn't get a connection after 3.00 sec"),
        errors.AdminShutdown("terminating connection"),
        errors.TooManyConnections("too many clients"),
    ],
)
def test_an_outage_is_database_unavailable(error: Exception) -> None:
    with pytest.raises(DatabaseUnavailable) as raised, database_errors():
        raise error

    assert raised.value.__cause__ is error
    assert isinstance(raised.value, Unavailable)
    assert isinstance(raised.value, psycopg.OperationalError)


@pytest.mark.parametrize(
    "error",
    [
        errors.SerializationFailure("could not serialize"),
        errors.DeadlockDetected("deadlock"),
        errors.QueryCanceled("statement timeout"),
        errors.LockNotAvailable("lock"),
        errors.UniqueViolation("duplicate"),
        ValueError("not of the database"),
    ],
)
def test_what_the_database_answered_is_no_outage(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, database_errors():
        raise error

    assert raised.value is error


def test_what_the_connection_string_says_wins() -> None:
    pool = create_pool("postgresql://a@db/x?connect_timeout=9&application_name=mine", size=1, name="relay")

    assert isinstance(pool.conninfo, str)
    given = psycopg.conninfo.conninfo_to_dict(pool.conninfo)
    assert (given["connect_timeout"], given["application_name"]) == ("9", "mine")
    assert given["tcp_user_timeout"] == "20000"
