"""How the system is: it is shown above all when it is not well."""

from typing import Any

import httpx
import pytest

from back_office.system.status import Lag, outbox_words, readers
from schemas.http.system import SystemView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, away, example


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


def test_partitions_stand_with_their_reader_and_projections_come_first() -> None:
    def at(consumer: str, partition: int, position: int) -> dict[str, Any]:
        moment = f"2026-05-01T10:00:0{partition}.000Z"
        return {"consumer": consumer, "topic": "t", "partition": partition, "position": position, "updated_at": moment}

    found = readers([at("stripe-gateway", 0, 9), at("projection:payments", 1, 5), at("projection:payments", 0, 7)], [])
    assert [(each.name, each.is_projection) for each in found] == [("payments", True), ("stripe-gateway", False)]
    assert [place.partition for place in found[0].places] == [0, 1]
    assert (found[0].newest, found[0].moved_at) == (7, "2026-05-01T10:00:01.000Z")


def test_what_waits_for_kafka_is_an_upper_bound() -> None:
    assert outbox_words({"depth": 0})[0] == "good"
    assert outbox_words({"depth": 1200}) == ("wait", "1,200 at most wait for Kafka")


async def test_the_overview_says_how_far_each_part_is(finance: BackOffice) -> None:
    text = (await finance.page("/system")).text
    for said in (
        "Position 120",
        "2 at most wait for Kafka",
        "1 stuck",
        "3 waiting",
        "1 open",
        "Catching up",
        "payments",
    ):
        assert said in text


@pytest.mark.parametrize("answer", [a_problem(403, "forbidden"), a_problem(503, "database_unavailable")])
async def test_without_an_answer_the_overview_says_so(finance: BackOffice, answer: Any) -> None:
    finance.command_api.answers["GET /system"] = answer
    assert "cannot be asked" in (await finance.page("/system")).text


async def test_a_log_that_takes_nothing_is_said_first(finance: BackOffice) -> None:
    finance.command_api.answers["GET /system"] = {**example(SystemView), "closed_because": "it is younger than Kafka"}
    assert "The log takes nothing it is younger than Kafka" in (await finance.page("/system")).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Open since 2026-05-01 10:06:40 UTC"),
        ({"state": "closed"}, "Closed since 2026-05-01 10:06:40 UTC"),
        ({"state": "half_open"}, "Probing since 2026-05-01 10:06:40 UTC"),
        ({"heard_of": False}, "Not heard of since 2026-05-01 10:06:41 UTC"),
    ],
)
async def test_a_breaker_says_how_it_is_and_since_when(finance: BackOffice, changes: Any, said: str) -> None:
    (breaker,) = example(SystemView)["breakers"]
    finance.command_api.answers["GET /system"] = {**example(SystemView), "breakers": [{**breaker, **changes}]}
    text = (await finance.page("/system")).text
    assert "Create intent" in text
    assert said in text


async def test_without_a_process_that_calls_stripe_the_page_says_so(finance: BackOffice) -> None:
    finance.command_api.answers["GET /system"] = {**example(SystemView), "breakers": []}
    assert "No process that calls Stripe tells of one" in (await finance.page("/system")).text
