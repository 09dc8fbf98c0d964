"""How the system is: it is shown above all when it is not well."""

from typing import Any

import httpx

from back_office.system.status import Lag, readers
from schemas.http.operations import SystemView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import away, example


async def test_each_api_says_how_it_is(finance: BackOffice) -> None:
    unwell = {"status": "unhealthy", "checks": {"database": "database not available", "redis": "ok"}}
    finance.command_api.answers["GET /health"] = httpx.Response(503, json=unwell)
    text = (await finance.page("/system")).text
    assert "Command API Cannot work" in text
    assert "database not available" in text
    assert "Query API Well" in text
    assert "up to position 42" in text


async def test_an_api_that_is_away_says_where_to_look(finance: BackOffice) -> None:
    finance.query_api.answers |= {"GET /health": away, "GET /payments": away}
    text = (await finance.page("/system")).text
    assert "Does not answer" in text
    assert "BACK_OFFICE_QUERY_API_URL" in text
    assert "Cannot be asked" in text
    assert "Command API Well" in text


def a_lag(partition: int, events: int, oldest_at: str | None = "2026-05-01T10:00:00.000Z") -> dict[str, Any]:
    return {
        "consumer": "sagas",
        "topic": "paystream.payment",
        "partition": partition,
        "events": events,
        "is_complete": oldest_at is not None,
        "oldest_at": oldest_at,
    }


def a_checkpoint(partition: int) -> dict[str, Any]:
    moved = "2026-05-01T10:00:00.000Z"
    place = {"topic": "paystream.payment", "partition": partition, "position": 7}
    return {"consumer": "sagas", **place, "updated_at": moved}


def test_the_lag_of_a_reader_is_that_of_its_partitions() -> None:
    earlier = "2026-05-01T09:00:00.000Z"
    (reader,) = readers([a_checkpoint(0), a_checkpoint(1)], [a_lag(1, 3), a_lag(2, 4, earlier)])
    assert reader.lag == Lag(events=7, oldest_at=earlier)
    assert [(place.partition, place.position, place.lag.events) for place in reader.places] == [
        (0, 7, 0),
        (1, 7, 3),
        (2, 0, 4),
    ]


def test_a_lag_that_is_not_all_counted_is_never_said_to_be() -> None:
    (reader,) = readers([a_checkpoint(0)], [a_lag(0, 3), a_lag(1, 1200, None)])
    assert (reader.lag.tone, reader.lag.words, reader.lag.oldest_at) == ("bad", "1,203 or more", None)
    (reader,) = readers([a_checkpoint(0)], [a_lag(0, 0, None)])
    assert reader.lag.words == "1 or more"
    (reader,) = readers([a_checkpoint(0)], [])
    assert (reader.lag.tone, reader.lag.words) == ("good", "None")


async def test_the_lag_is_shown_in_events_by_reader_and_partition(finance: BackOffice) -> None:
    system = example(SystemView)
    system |= {"checkpoints": [a_checkpoint(0), a_checkpoint(1)], "lags": [a_lag(1, 1203)]}
    finance.command_api.answers["GET /system"] = system
    text = " ".join((await finance.page("/system")).text.split())
    assert "sagas consumer paystream.payment 1,203 the oldest for" in text
    assert "1: 7 1,203 behind" in text
    assert text.count("behind") == 1
    system["lags"] = []
    assert "sagas consumer paystream.payment None 7" in " ".join((await finance.page("/system")).text.split())
    for unknown in ({"lags": None}, {}):
        del system["lags"]
        system |= unknown
        text = " ".join((await finance.page("/system")).text.split())
        assert "KAFKA_TOPIC_PARTITIONS" in text
        assert "sagas consumer paystream.payment Not counted 7" in text
