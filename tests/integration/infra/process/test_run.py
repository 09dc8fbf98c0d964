import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PROCESSES = Path(__file__).with_name("process_programs.py")
ROOT = Path(__file__).parents[4]
Line = dict[str, Any]
Start = Callable[..., Awaitable["Running"]]


class Running:
    """A process of ours, read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self, event: str) -> Line:
        """Return the next log line of this event, or a plain line of this text."""
        assert self.process.stdout is not None
        seen = []
        async with asyncio.timeout(20):
            while text := (await self.process.stdout.readline()).decode():
                seen.append(text)
                parsed = json.loads(text) if text.startswith("{") else {"event": text.strip()}
                if parsed["event"] == event:
                    return dict(parsed)
        raise AssertionError(f"{event} is not in {seen}")

    async def rest(self) -> list[Line]:
        """Wait for the end; return the log lines that are left."""
        async with asyncio.timeout(20):
            output, errors = await self.process.communicate()
        assert errors.decode() == ""
        return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    running: list[Running] = []

    async def start_one(name: str, **settings: object) -> Running:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROCESSES),
            name,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | {key: str(it) for key, it in settings.items()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running.append(Running(process))
        return running[-1]

    yield start_one
    for each in running:
        if each.process.returncode is None:
            with suppress(ProcessLookupError):
                each.process.kill()
            await each.process.communicate()


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_process_cleanly_with_its_health_served_until_then(
    start: Start, number: signal.Signals
) -> None:
    running = await start("obedient")
    port = (await running.line("health_server_started"))["port"]
    await running.line("process_started")

    ready = await get(port, "/health/ready")
    assert ready.json() == {"status": "ok", "checks": {"process": "ok"}}

    running.process.send_signal(number)
    lines = await running.rest()

    assert running.process.returncode == 0
    assert [line["event"] for line in lines] == ["process_stopping", "process_stopped"]


async def test_a_second_signal_changes_nothing(start: Start) -> None:
    running = await start("obedient")
    await running.line("process_started")

    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    await running.rest()

    assert running.process.returncode == 0


async def test_a_request_in_flight_is_answered_before_the_end(start: Start) -> None:
    running = await start("api")
    port = (await running.line("http_server_started"))["port"]
    answer = asyncio.create_task(get(port, "/slow"))
    await running.line("slow request began")

    running.process.send_signal(signal.SIGTERM)

    assert (await answer).json() == "done"
    await running.rest()
    assert running.process.returncode == 0


@pytest.mark.parametrize(("name", "variable"), [("api", "COMMAND_API_PORT"), ("obedient", "HEALTH_PORT")])
async def test_a_port_in_use_is_one_clear_line(start: Start, name: str, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = await start(name, **{variable: port})
        lines = await running.rest()

    (failed,) = [line for line in lines if line["level"] != "info"]
    assert failed["event"] == "process_failed"
    assert failed["error"] == f"port {port} is in use: set {variable}"
    assert "exception" not in failed
    assert running.process.returncode == 1


async def test_a_failure_is_one_line_with_a_masked_traceback_and_exit_code_1(start: Start) -> None:
    running = await start("broken")
    (failed,) = [line for line in await running.rest() if line["level"] != "info"]

    assert failed["event"] == "process_failed"
    assert failed["error"] == "ValueError: broken cannot charge ***"
    assert failed["exception"][0]["exc_type"] == "ValueError"
    assert running.process.returncode == 1


async def test_an_expected_failure_has_no_traceback(start: Start) -> None:
    running = await start("misconfigured")
    (failed,) = [line for line in await running.rest() if line["level"] != "info"]

    assert failed["error"] == "misconfigured needs topics: run `paystream topics create`"
    assert "exception" not in failed
    assert running.process.returncode == 1


@pytest.mark.parametrize(("name", "code"), [("mistaken", 2), ("half_mistaken", 1)])
async def test_a_setting_that_only_its_use_shows_wrong_is_code_2(start: Start, name: str, code: int) -> None:
    running = await start(name)
    (failed,) = [line for line in await running.rest() if line["level"] != "info"]

    assert (failed["event"], running.process.returncode) == ("process_failed", code)
    assert failed["error"].startswith("WITNESS_KEY_FILE is not set")
    assert "exception" not in failed


@pytest.mark.parametrize("name", ["waiting", "waiting_stubbornly"])
async def test_what_was_never_there_ends_a_process_with_one_line_and_code_1(start: Start, name: str) -> None:
    running = await start(name, STARTUP_TIMEOUT_S=1, SHUTDOWN_GRACE_MS=500)
    (failed,) = [line for line in await running.rest() if line["level"] not in {"info", "warning"}]

    assert failed["event"] == "process_failed"
    assert failed["error"] == (
        "waited 1 s (STARTUP_TIMEOUT_S) for what was never there: postgres: database not available"
    )
    assert "exception" not in failed
    assert running.process.returncode == 1


async def test_a_process_that_needs_nothing_outlives_the_limit_of_its_start(start: Start) -> None:
    running = await start("obedient", STARTUP_TIMEOUT_S=1)
    port = (await running.line("health_server_started"))["port"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await running.process.wait()
    assert (await get(port, "/health/ready")).status_code == httpx.codes.OK


async def test_a_missing_setting_is_one_line_on_stderr_and_exit_code_2(start: Start) -> None:
    running = await start("obedient", HEALTH_PORT="high")
    output, errors = await running.process.communicate()

    assert output == b""
    assert errors.decode().startswith("HEALTH_PORT: input should be a valid integer")
    assert len(errors.splitlines()) == 1
    assert running.process.returncode == 2


@pytest.mark.parametrize(("name", "begun"), [("stubborn", "process_started"), ("blocking", "blocking")])
async def test_a_process_ends_within_the_grace_period_and_2_s_whatever_it_does(
    start: Start, name: str, begun: str
) -> None:
    running = await start(name, SHUTDOWN_GRACE_MS=500)
    await running.line(begun)

    signaled = monotonic()
    running.process.send_signal(signal.SIGTERM)
    lines = await running.rest()

    assert monotonic() - signaled < 0.5 + 2
    assert running.process.returncode == 1
    assert [line["event"] for line in lines if line["level"] != "info"] == ["process_failed"]
