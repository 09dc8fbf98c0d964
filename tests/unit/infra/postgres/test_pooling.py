"""How a pool speaks to what its address leads to."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.postgres.pool import connection_string
from infra.postgres.pooling import DIRECT, Pooling
from infra.settings.postgres import SessionSettings

URL = "postgresql://app:secret@pooler:6432/paystream"
DIRECT_URL = "postgresql://app:secret@postgres:5432/paystream"
POOLED = Pooling(is_transaction=True, prepares=False)


def made(url: str, pooling: Pooling) -> dict[str, object]:
    return dict(conninfo_to_dict(connection_string(url, name="test", options="-c a=1", pooling=pooling)))


def settings(**changes: object) -> SessionSettings:
    return SessionSettings.model_validate({"database_url": URL, **changes})


def test_a_pool_asks_postgres_for_its_settings_at_the_start() -> None:
    assert made(URL, DIRECT)["options"] == "-c a=1"


def test_what_the_address_asks_for_wins() -> None:
    assert made(f"{URL}?options=-c%20a%3D2", DIRECT)["options"] == "-c a=1 -c a=2"


def test_a_pooler_is_asked_for_nothing_at_the_start() -> None:
    found = made(URL, POOLED)
    assert "options" not in found
    assert (found["application_name"], found["connect_timeout"]) == ("test", "3")


@pytest.mark.parametrize("pooling", [DIRECT, POOLED])
def test_defaults_never_replace_what_is_given(pooling: Pooling) -> None:
    found = made(f"{URL}?application_name=mine&connect_timeout=9", pooling)
    assert (found["application_name"], found["connect_timeout"]) == ("mine", "9")


def test_nothing_is_prepared_unless_it_is_there_the_next_time() -> None:
    assert (DIRECT.prepare_threshold(), DIRECT.prepare_threshold(use=5)) == (1, 5)
    assert POOLED.prepare_threshold(use=5) is None


@pytest.mark.parametrize(
    ("pooler", "prepares", "pooling"),
    [
        ("none", "false", DIRECT),
        ("none", "true", DIRECT),
        ("transaction", "false", POOLED),
        ("transaction", "true", Pooling(is_transaction=True, prepares=True)),
    ],
)
def test_settings_say_what_there_is(pooler: str, prepares: str, pooling: Pooling) -> None:
    assert settings(database_pooler=pooler, database_pooler_prepares=prepares).pooling == pooling


def test_sessions_go_past_a_pooler_where_there_is_a_way() -> None:
    assert settings().direct_url == URL
    assert settings(database_direct_url=DIRECT_URL).direct_url == DIRECT_URL
