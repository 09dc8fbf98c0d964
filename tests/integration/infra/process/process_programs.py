"""Processes for tests of the process runner: `python process_programs.py NAME PORT`, with settings as variables."""

import asyncio
import sys
import time

from fastapi import FastAPI

from infra.errors import WrongSetting
from infra.http.server import serve
from infra.process.health import DependencyMissing
from infra.process.run import ProcessFailed, Runtime, run
from infra.settings.loading import load_settings
from infra.settings.process import Port, ProcessSettings


class Settings(ProcessSettings):
    command_api_port: Port = 0


async def obedient(runtime: Runtime) -> None:
    await runtime.stop.wait()


async def api(runtime: Runtime) -> None:
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> str:
        print("slow request began", flush=True)  # noqa: T201 - the test waits for it
        await asyncio.sleep(0.5)  # longer than the server takes to hear of the signal, and then it is still in flight
        return "done"

    assert isinstance(runtime.settings, Settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(app, "127.0.0.1", runtime.settings.command_api_port, runtime))


async def stubborn(runtime: Runtime) -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert runtime.stop.is_set()


async def blocking(runtime: Runtime) -> None:
    del runtime
    await asyncio.sleep(0)
    print("blocking", flush=True)  # noqa: T201 - the test waits for it
    while True:
        time.sleep(0.1)  # noqa: ASYNC251 - what this process is for


async def broken(runtime: Runtime) -> None:
    raise ValueError(f"{runtime.service} cannot charge 4242424242424242")


async def misconfigured(runtime: Runtime) -> None:
    raise ProcessFailed(f"{runtime.service} needs topics: run `paystream topics create`")


async def mistaken(runtime: Runtime) -> None:
    raise ExceptionGroup(runtime.service, [WrongSetting("WITNESS_KEY_FILE is not set")])


async def half_mistaken(runtime: Runtime) -> None:
    raise ExceptionGroup(runtime.service, [WrongSetting("WITNESS_KEY_FILE is not set"), ProcessFailed("no topics")])


async def waiting(runtime: Runtime) -> None:
    async def check() -> None:
        raise DependencyMissing("database not available")

    runtime.health.add_readiness("postgres", check)
    await runtime.stop.wait()


async def waiting_stubbornly(runtime: Runtime) -> None:
    await asyncio.gather(waiting(runtime), stubborn(runtime))


MAINS = {
    main.__name__: main
    for main in (
        obedient,
        api,
        stubborn,
        blocking,
        broken,
        misconfigured,
        mistaken,
        half_mistaken,
        waiting,
        waiting_stubbornly,
    )
}

if __name__ == "__main__":
    name = sys.argv[1]
    run(name, load_settings(Settings), MAINS[name], serves_http=name == "api")
