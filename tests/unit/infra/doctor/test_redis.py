import pytest

from infra.doctor.finding import Status
from infra.doctor.redis.checks import redis_finding
from infra.doctor.redis.redlock import majority_findings, number_finding, server_findings
from infra.doctor.redis.server import RedisStatus, status_of

VALKEY = {"redis_version": "7.2.4", "valkey_version": "9.1.0", "run_id": "abc", "role": "master", "cluster_enabled": 0}


def status(address: str = "a:6379", *, seconds: float = 0.001, **info: object) -> RedisStatus:
    return status_of(VALKEY | info, address=address, seconds=seconds)


def test_what_a_server_says_is_understood() -> None:
    assert (status().name, status().version) == ("Valkey", "9.1.0")
    assert (status(valkey_version=None).name, status(valkey_version=None).version) == ("Redis", "7.2.4")


@pytest.mark.parametrize(
    ("said", "status", "says"),
    [
        (status(), Status.OK, "Valkey 9.1.0 at a:6379, a round trip takes 1.0 ms"),
        (status(role="slave"), Status.ERROR, "replica"),
        (status(valkey_version=None, redis_version="6.0.1"), Status.WARNING, "older than 7"),
        (status(seconds=0.15), Status.WARNING, "the processes wait 200 ms"),
        (status_of({}, address="a:6379", seconds=0.001), Status.OK, "tells no version"),
    ],
)
def test_a_server_is_rated(said: RedisStatus, status: Status, says: str) -> None:
    found = redis_finding(said, timeout_ms=200)
    assert found.status is status
    assert says in found.detail


@pytest.mark.parametrize(
    ("count", "production", "status"),
    [
        (1, False, Status.OK),
        (1, True, Status.WARNING),
        (2, False, Status.WARNING),
        (3, True, Status.OK),
        (4, True, Status.WARNING),
    ],
)
def test_locks_want_an_odd_number_of_servers(count: int, production: bool, status: Status) -> None:
    assert number_finding(count, production=production).status is status


def test_servers_that_are_one_are_a_warning() -> None:
    *_, last = server_findings([status("a:1"), status("b:1", run_id="x"), status("c:1")], timeout_ms=100)
    assert (last.subject, last.status) == ("independence", Status.WARNING)
    assert last.detail == "a:1 and c:1 are one server, whose vote counts 2 times"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (status(), Status.OK),
        (status(role="slave"), Status.ERROR),
        (status(cluster_enabled=1), Status.ERROR),
        (status(valkey_version=None, redis_version="6.0.1"), Status.WARNING),
        (status(seconds=0.2), Status.WARNING),
    ],
)
def test_a_lock_server_stands_alone_and_is_fast(said: RedisStatus, status: Status) -> None:
    (found,) = server_findings([said], timeout_ms=100)
    assert found.status is status


@pytest.mark.parametrize(
    ("count", "away", "statuses"),
    [
        (3, [], [Status.OK]),
        (3, ["a:1 does not answer"], [Status.WARNING]),
        (3, ["a:1", "b:1"], [Status.ERROR]),
        (2, ["a:1"], [Status.ERROR]),
        (5, ["a:1", "b:1"], [Status.WARNING, Status.WARNING]),
    ],
)
def test_a_majority_must_answer(count: int, away: list[str], statuses: list[Status]) -> None:
    assert [each.status for each in majority_findings(count, away)] == statuses
