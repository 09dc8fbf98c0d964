"""Services that share a process: each is supervised by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from infra.backoff import Backoff
from infra.errors import ProcessFailed
from infra.process import run_together
from infra.process.health import Health, Unhealthy
from infra.process.run_together import Member, serve_together
from infra.process.runtime import Runtime
from infra.process.service import Service
from infra.settings.loading import read_settings
from infra.settings.postgres import DatabaseSettings
from infra.settings.process import ProcessSettings

Serve = Callable[[Runtime, ProcessSettings], Awaitable[None]]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr(run_together, "_RESTART", Backoff(first_s=0.001, longest_s=0.001))
    return Runtime(service="workers", settings=ProcessSettings(), stop=asyncio.Event(), health=Health())


def member(name: str, serve: Serve) -> Member:
    return Member(
        service=Service(name=name, settings=ProcessSettings, serve=serve), settings=ProcessSettings(app_env="test")
    )


async def steady(runtime: Runtime, _: ProcessSettings) -> None:
    await runtime.stop.wait()


async def test_a_service_that_fails_is_served_again_and_the_others_go_on(runtime: Runtime) -> None:
    starts = {"failing": 0, "steady": 0}

    async def failing(service: Runtime, _: ProcessSettings) -> None:
        starts["failing"] += 1
        if starts["failing"] == 3:
            service.stop.set()
            return
        raise RuntimeError("password=hunter2")

    async def counted(service: Runtime, settings: ProcessSettings) -> None:
        starts["steady"] += 1
        await steady(service, settings)

    with capture_logs() as logs:
        async with asyncio.timeout(10):
            await serve_together(runtime, [member("failing", failing), member("steady", counted)])
    assert starts == {"failing": 3, "steady": 1}
    assert [line["event"] for line in logs] == ["service_failed", "service_failed"]


@pytest.mark.parametrize("error", [None, asyncio.CancelledError()], ids=["ends", "is canceled"])
async def test_one_that_ends_unasked_is_served_again(runtime: Runtime, error: BaseException | None) -> None:
    starts = 0

    async def ending(service: Runtime, _: ProcessSettings) -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            service.stop.set()
        elif error is not None:
            raise error

    async with asyncio.timeout(10):
        await serve_together(runtime, [member("ending", ending), member("steady", steady)])
    assert starts == 2


@pytest.mark.parametrize(
    ("error", "shown"),
    [(ProcessFailed("the topics are missing"), "the topics are missing"), (ValueError("sk_live_1"), "ValueError")],
)
async def test_health_says_which_service_failed_and_no_secret(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, error: Exception, shown: str
) -> None:
    monkeypatch.setattr(run_together, "_RESTART", Backoff(first_s=3600, longest_s=3600))

    async def failing(_: Runtime, __: ProcessSettings) -> None:
        raise error

    serving = asyncio.create_task(serve_together(runtime, [member("relay", failing), member("steady", steady)]))
    await asyncio.sleep(0.01)
    report = await runtime.health.ready()
    assert report.status == "unhealthy"
    assert report.checks == {"relay: service": f"failed, and is started again soon: {shown}"}
    runtime.stop.set()
    async with asyncio.timeout(10):
        await serving


async def test_each_has_its_own_settings_and_checks(runtime: Runtime) -> None:
    async def checked(service: Runtime, settings: ProcessSettings) -> None:
        async def check() -> None:
            raise Unhealthy(settings.app_env)

        service.health.add_readiness("environment", check)
        await service.stop.wait()

    serving = asyncio.create_task(serve_together(runtime, [member("relay", checked)]))
    await asyncio.sleep(0.01)
    assert (await runtime.health.ready()).checks == {"relay: environment": "test"}
    runtime.stop.set()
    await serving


def test_a_prefixed_variable_is_for_one_service_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://all@localhost/paystream")
    monkeypatch.setenv("PROJECTOR__DATABASE_URL", "postgresql://projector@localhost/paystream")
    found = {
        prefix: read_settings(DatabaseSettings, prefix=prefix).database_url.get_secret_value()
        for prefix in ("PROJECTOR__", "RELAY__", "")
    }
    assert found == {
        "PROJECTOR__": "postgresql://projector@localhost/paystream",
        "RELAY__": "postgresql://all@localhost/paystream",
        "": "postgresql://all@localhost/paystream",
    }


async def test_what_fails_while_it_stops_fails_the_process(runtime: Runtime) -> None:
    async def failing(service: Runtime, _: ProcessSettings) -> None:
        await service.stop.wait()
        raise ProcessFailed("not everything was written")

    serving = asyncio.create_task(serve_together(runtime, [member("failing", failing), member("steady", steady)]))
    await asyncio.sleep(0.01)
    runtime.stop.set()
    with pytest.raises(ExceptionGroup) as failed:
        await serving
    assert [str(each) for each in failed.value.exceptions] == ["not everything was written"]


async def test_who_cancels_the_process_cancels_its_services(runtime: Runtime) -> None:
    serving = asyncio.create_task(serve_together(runtime, [member("steady", steady)]))
    await asyncio.sleep(0.01)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
