import asyncio
from time import monotonic

import httpx
import pytest
from starlette.applications import Starlette

from infra.process.health import Health, Unhealthy, health_routes


async def well() -> None:
    await asyncio.sleep(0)


async def broken() -> None:
    raise Unhealthy("the database does not answer")


async def hanging() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # As a client library that swallows its cancellation, for longer than whoever asks may have to wait.
            await asyncio.sleep(0.2)
            return


async def never() -> None:
    await asyncio.Event().wait()


async def faulty() -> None:
    raise RuntimeError("password=hunter2")


def client_of(health: Health) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=health_routes(health)))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_all_well_is_200() -> None:
    health = Health()
    health.add_readiness("database", well)
    health.add_liveness("consumer", well)

    async with client_of(health) as client:
        both = await client.get("/health")
        live = await client.get("/health/live")
        ready = await client.get("/health/ready")

    assert both.status_code == 200
    assert both.json() == {"status": "ok", "checks": {"consumer": "ok", "database": "ok"}}
    assert live.json()["checks"] == {"consumer": "ok"}
    assert ready.json()["checks"] == {"database": "ok"}
    assert ready.headers["cache-control"] == "no-store"


async def test_a_failed_check_is_503_with_its_reason_and_leaves_liveness_alone() -> None:
    health = Health()
    health.add_readiness("database", broken)
    health.add_liveness("consumer", well)

    async with client_of(health) as client:
        ready = await client.get("/health/ready")
        live = await client.get("/health/live")

    assert ready.status_code == 503
    assert ready.json() == {"status": "unhealthy", "checks": {"database": "the database does not answer"}}
    assert live.status_code == 200


async def test_a_check_that_hangs_is_unhealthy_in_time_and_hides_no_other() -> None:
    health = Health(timeout_s=0.4)
    health.add_readiness("slow", hanging)
    health.add_readiness("slower", never)
    health.add_readiness("database", well)

    started = monotonic()
    report = await health.ready()

    assert monotonic() - started < 0.75
    assert report.checks == {
        "slow": "no answer within 0.4 s",
        "slower": "no answer within 0.4 s",
        "database": "ok",
    }
    assert report.http_status == 503


async def test_probes_at_the_same_time_share_a_run() -> None:
    runs = 0
    started, release = asyncio.Event(), asyncio.Event()

    async def counted() -> None:
        nonlocal runs
        runs += 1
        started.set()
        await release.wait()

    health = Health()
    health.add_readiness("database", counted)
    probes = [asyncio.create_task(health.ready()) for _ in range(5)]
    await started.wait()
    release.set()

    assert [report.status for report in await asyncio.gather(*probes)] == ["ok"] * 5
    assert runs == 1


async def test_an_error_in_a_check_is_unhealthy_and_shows_no_text() -> None:
    health = Health()
    health.add_readiness("database", faulty)

    report = await health.ready()

    assert report.checks == {"database": "RuntimeError"}


@pytest.mark.parametrize(("other", "status", "code"), [(well, "degraded", 200), (broken, "unhealthy", 503)])
async def test_a_dependency_that_is_not_required_only_degrades(other: object, status: str, code: int) -> None:
    health = Health()
    health.add_readiness("redis", faulty, required=False)
    health.add_readiness("database", other)  # type: ignore[arg-type]  # parametrize loses the type

    report = await health.ready()

    assert (report.status, report.http_status) == (status, code)


async def test_metrics_are_prometheus_text() -> None:
    async with client_of(Health()) as client:
        response = await client.get("/metrics")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "python_info" in response.text


async def test_the_checks_of_a_member_count_under_its_name_and_can_be_replaced() -> None:
    health, first, second = Health(), Health(), Health()
    health.add_readiness("process", well)
    first.add_readiness("database", broken)
    first.add_liveness("loop", well)
    second.add_readiness("database", well)
    health.set_member("relay", first)
    before = await health.all()
    assert before.status == "unhealthy"
    assert before.checks == {
        "relay: loop": "ok",
        "process": "ok",
        "relay: database": "the database does not answer",
    }
    health.set_member("relay", second)
    after = await health.all()
    assert after.checks == {"process": "ok", "relay: database": "ok"}
