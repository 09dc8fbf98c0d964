"""Every process is started before the servers that it needs: it waits, says for what, and goes on by itself."""

import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded.component import Component
from infra.embedded.process import Process, processes_of
from tests.support.system import System, running_system
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180), pytest.mark.own_system]

SERVERS = ("broker", "valkey", "postgres")
# They need no server.
READY_ALONE = {"sandbox", "back-office"}
# What each says of whom it waits for, in any of its checks.
LIMIT_S = 5
NAMED = ("database not available", "cannot connect", "not connected to PostgreSQL and Kafka", "DatabaseUnavailable")


async def health(process: Component, kind: str) -> tuple[int, str] | None:
    """Return the answer of a process to /health/live or /health/ready; None while there is none."""
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{process.port}/health/{kind}")
    except httpx.HTTPError:
        return None
    return answer.status_code, answer.text


async def becomes(process: Component, status: int) -> str:
    """Wait until a process answers so on /health/ready; return what it says of its checks."""

    async def ready() -> tuple[int, str] | None:
        return await health(process, "ready")

    found = await eventually(ready, lambda seen: seen is not None and seen[0] == status, within=60)
    assert found is not None
    return found[1]


async def test_processes_that_start_before_the_servers_wait_and_go_on(tmp_path: Path) -> None:
    async with running_system(tmp_path, processes=processes_of("separate")) as system:
        before = await pay(system)
        processes = {name: system.stack.component(name) for name in system.stack.process_names}
        system.stack.kill_all()

        for process in processes.values():
            await process.start()
        for name, process in processes.items():
            reason = await becomes(process, httpx.codes.OK if name in READY_ALONE else httpx.codes.SERVICE_UNAVAILABLE)
            assert name in READY_ALONE or any(each in reason for each in NAMED), f"{name}: {reason}"
            assert (await health(process, "live") or (0, ""))[0] == httpx.codes.OK, name

        for server in SERVERS:  # another order than that of `make run`
            await system.stack.restart(server)
        for name, process in processes.items():
            await becomes(process, httpx.codes.OK)
            assert process.running, name
        await asyncio.gather(pay(system), pay(system))
        assert (await system.payment(before))["status"] == "succeeded"
        await eventually(system.differences, lambda found: found == [])


async def test_a_process_ends_when_what_it_needs_was_never_there(tmp_path: Path) -> None:
    async with running_system(tmp_path, processes=processes_of("separate")) as system:
        processes = {name: system.stack.component(name) for name in system.stack.process_names}
        system.stack.kill_all()
        limited = {name: limit(each) for name, each in processes.items() if name not in READY_ALONE}
        for process in limited.values():
            await process.start()
        for name, process in limited.items():
            await eventually(partial(is_running, process), lambda running: not running, within=60)
            assert process.exit_code == 1, name
            (failed,) = [line for line in log_lines(process) if line.get("event") == "process_failed"]
            assert failed["error"].startswith(f"waited {LIMIT_S} s (STARTUP_TIMEOUT_S) for what was never there: ")
            assert any(each in failed["error"] for each in NAMED), f"{name}: {failed['error']}"
            assert "password" not in failed["error"]
            assert "://" not in failed["error"]


async def test_a_process_that_has_worked_waits_without_a_limit(tmp_path: Path) -> None:
    async with running_system(tmp_path, processes=processes_of("separate")) as system:
        limited = {name: limit(system.stack.component(name), 20) for name in ("command-api", "relay", "projector")}
        for process in limited.values():
            process.kill()
            await process.start()
        last_started_at = time.monotonic()
        for process in limited.values():
            await becomes(process, httpx.codes.OK)
        for server in SERVERS:
            system.stack.component(server).kill()
        for process in limited.values():
            await becomes(process, httpx.codes.SERVICE_UNAVAILABLE)
        await asyncio.sleep(last_started_at + 22 - time.monotonic())  # past the limit of every one
        assert [name for name, process in limited.items() if not process.running] == []
        for server in SERVERS:
            await system.stack.restart(server)
        for process in limited.values():
            await becomes(process, httpx.codes.OK)


def limit(component: Component, timeout_s: int = LIMIT_S) -> Process:
    """Let the process wait so long for what it needs when it is started the next time."""
    assert isinstance(component, Process)
    component.settings = {**component.settings, "STARTUP_TIMEOUT_S": str(timeout_s)}
    return component


async def is_running(process: Process) -> bool:
    """Whether it runs, for `eventually`."""
    return process.running


def log_lines(process: Process) -> list[dict[str, Any]]:
    """Return what it has logged since its last start."""
    return [json.loads(line) for line in process.log.read_text("utf-8").splitlines() if line.startswith("{")]


async def pay(system: System) -> str:
    """Make a payment and wait until it has succeeded."""
    created = await system.create()
    assert created.status_code == httpx.codes.CREATED, created.text
    await system.finished_as(created.json()["id"], "succeeded", within=60)
    return str(created.json()["id"])
