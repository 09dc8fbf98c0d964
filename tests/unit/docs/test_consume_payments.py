"""The example consumer decides rightly about each message, whatever order and versions they come in."""

import sqlite3
from types import SimpleNamespace

import pytest

from tests.support.example_consumer import load_example

EXAMPLE = load_example()
PARTITION = 3


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(EXAMPLE.TABLES)
    return connection


def a_record(position: int, previous: int, event_type: str = "payment.requested", version: int = 1) -> SimpleNamespace:
    headers = {
        "ce_position": position,
        "ce_prevposition": previous,
        "ce_type": event_type,
        "ce_dataschemaversion": version,
        "ce_subject": "a",
        "ce_streamversion": position,
    }
    raw = [(name, str(value).encode()) for name, value in headers.items()]
    return SimpleNamespace(headers=[*raw, ("x-unknown", b"\xff")], value=b"{}")


def applied(database: sqlite3.Connection) -> list[int]:
    return [row[0] for row in database.execute("SELECT stream_version FROM history ORDER BY rowid")]


def checkpoint(database: sqlite3.Connection) -> int:
    (position,) = database.execute("SELECT position FROM checkpoints WHERE partition = ?", [PARTITION]).fetchone()
    return int(position)


def test_new_messages_are_applied_and_old_ones_dropped(database: sqlite3.Connection) -> None:
    first, second, third = a_record(5, 0), a_record(7, 5), a_record(12, 7)
    assert not EXAMPLE.apply(database, PARTITION, [first, second])
    assert not EXAMPLE.apply(database, PARTITION, [first, second, second, third])
    assert applied(database) == [5, 7, 12]
    assert checkpoint(database) == 12


def test_partitions_have_checkpoints_of_their_own(database: sqlite3.Connection) -> None:
    EXAMPLE.apply(database, PARTITION, [a_record(5, 0)])
    assert not EXAMPLE.apply(database, PARTITION + 1, [a_record(2, 0)])
    assert applied(database) == [5, 2]


def test_a_message_after_a_missing_one_waits_for_it(database: sqlite3.Connection) -> None:
    log = [a_record(5, 0), a_record(7, 5), a_record(12, 7)]
    assert EXAMPLE.apply(database, PARTITION, [log[0], log[2]])
    assert (applied(database), checkpoint(database)) == ([5], 5)
    assert not EXAMPLE.apply(database, PARTITION, log)
    assert applied(database) == [5, 7, 12]


def test_a_message_too_early_in_an_emptied_topic_is_applied_in_its_turn(
    database: sqlite3.Connection,
) -> None:
    EXAMPLE.apply(database, PARTITION, [a_record(5, 0)])
    assert EXAMPLE.apply(database, PARTITION, [a_record(12, 7), a_record(5, 0), a_record(7, 5), a_record(12, 7)])
    assert applied(database) == [5, 7, 12]


def test_a_type_without_use_is_passed_over_in_whatever_version(database: sqlite3.Connection) -> None:
    assert not EXAMPLE.apply(database, PARTITION, [a_record(5, 0, "payment.new_thing", 9), a_record(7, 5)])
    assert (applied(database), checkpoint(database)) == ([7], 7)


def test_a_newer_version_of_a_type_that_matters_stops_it_with_nothing_done(database: sqlite3.Connection) -> None:
    EXAMPLE.apply(database, PARTITION, [a_record(5, 0)])
    with pytest.raises(SystemExit, match=r"payment\.succeeded has come in version 2"):
        EXAMPLE.apply(database, PARTITION, [a_record(7, 5), a_record(9, 7, "payment.succeeded", 2)])
    assert (applied(database), checkpoint(database)) == ([5], 5)
