"""The stack as tests and `paystream up` use it, with small stand-ins for the Paystream processes."""

import asyncio
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from infra.embedded.connections import FORMER_PARTITIONS, PARTITIONS
from infra.embedded.errors import HomeInUse, HomeUnusable, PortInUse, StartFailed
from infra.embedded.home import Home
from infra.embedded.reports import ComponentEnded, ComponentReady, Report
from infra.embedded.stack import Stack
from infra.kafka.topics import describe_topics
from infra.settings.kafka import KafkaSettings
from tests.integration.infra.embedded.components import all_gone, fake, wait_until
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def user_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user's shell may hold, and no process may see."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://production.example/payments")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_do_not_use")


def stack(home: Path, *names: str, **options: object) -> Stack:
    processes = [fake(name) for name in names]
    return Stack(home, fsync=False, processes=processes, **options)  # type: ignore[arg-type]


def pids(stack: Stack) -> dict[str, int]:
    return {component.name: component.pid for component in stack.components if component.pid is not None}


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def test_starts_everything_migrated_and_ends_everything(tmp_path: Path) -> None:
    async with stack(tmp_path, "relay", "command-api") as running:
        started = pids(running)
        assert set(started) == {"postgres", "valkey", "broker", "relay", "command-api"}
        with psycopg.connect(running.database_url("paystream_app_login")) as connection:
            assert connection.execute("SELECT count(*) FROM event_store.events").fetchone() == (0,)
        topics = await describe_topics(KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers))
        assert topics["paystream.payment"] == PARTITIONS
        assert (await get(f"{running.urls.command_api}/health/ready")).status_code == 200
    assert all_gone(started.values())()
    assert not list(running.home.run.glob("*.pid"))


async def test_a_second_start_finds_data_ports_and_passwords_again(tmp_path: Path) -> None:
    async with stack(tmp_path) as first:
        url = first.database_url()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    async with stack(tmp_path) as second:
        assert second.database_url() == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


async def test_remembered_ports_outside_the_range_are_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"postgres": 14_990, "valkey": 14_993, "broker": 14_999}))
    monkeypatch.setenv("PAYSTREAM_PORT_RANGE", "14900-14991")
    async with stack(tmp_path):
        chosen = json.loads((tmp_path / "ports.json").read_text())
    assert chosen["postgres"] == 14_990
    assert {chosen["valkey"], chosen["broker"]} <= set(range(14_900, 14_991))


@pytest.mark.usefixtures("user_environment")
async def test_a_process_sees_nothing_of_the_users_environment(tmp_path: Path) -> None:
    names = ("command-api", "query-api", "sandbox", "projector", "worker-stripe-gateway")
    async with stack(tmp_path, *names) as running:
        seen = {name: (await get(f"http://{running.component(name).address}/environment")).json() for name in names}
    assert "paystream_app_login" in seen["command-api"]["DATABASE_URL"]
    assert seen["worker-stripe-gateway"]["STRIPE_SECRET_KEY"] == "sk_test_paystream_sandbox"
    assert [name for name in names if "STRIPE_SECRET_KEY" in seen[name]] == ["command-api", "worker-stripe-gateway"]
    assert "paystream_projector_login" in seen["projector"]["DATABASE_URL"]
    assert "paystream_query_login" in seen["query-api"]["READ_DATABASE_URL"]
    assert "DATABASE_URL" not in seen["query-api"]
    assert not {"DATABASE_URL", "API_KEYS"} & seen["sandbox"].keys()


async def test_a_killed_part_stays_away_until_it_is_restarted(tmp_path: Path) -> None:
    async with stack(tmp_path, "relay") as running:
        port = running.component("relay").port
        running.kill("relay")
        assert not running.component("relay").running
        await running.restart("relay")
        assert running.component("relay").port == port
        assert (await get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200


async def test_a_supervised_part_comes_back_by_itself_and_that_is_said(tmp_path: Path) -> None:
    reports: list[Report] = []
    async with stack(tmp_path, "relay", supervise=True, report=reports.append) as running:
        before = pids(running)
        reports.clear()
        for name in ("relay", "postgres"):
            running.kill(name)

        async def back() -> set[str]:
            return {report.label for report in reports if isinstance(report, ComponentReady)}

        await eventually(back, lambda labels: labels == {"relay", "PostgreSQL"})
        now = pids(running)
        assert set(now) == set(before)
        assert {name for name in now if now[name] != before[name]} == {"relay", "postgres"}
        assert {report.label for report in reports if isinstance(report, ComponentEnded)} == {"relay", "PostgreSQL"}


async def test_supervision_keeps_out_of_a_restart_that_was_asked_for(tmp_path: Path) -> None:
    reports: list[Report] = []
    async with stack(tmp_path, "relay", supervise=True, report=reports.append) as running:
        reports.clear()
        await running.wipe_broker()
        await running.restart("relay")
        after = pids(running)
        assert reports == []
        # Once the supervisor is through with a later end, it would be through with those above as well.
        running.kill("postgres")

        async def back() -> set[str]:
            return {report.label for report in reports if isinstance(report, ComponentReady)}

        await eventually(back)
        now = pids(running)
        assert {name for name in now if now[name] != after[name]} == {"postgres"}
        ends_and_starts = [report for report in reports if isinstance(report, ComponentEnded | ComponentReady)]
        assert ends_and_starts == reports
        assert {report.label for report in ends_and_starts} == {"PostgreSQL"}


async def test_wiping_the_broker_leaves_empty_topics_and_flushing_leaves_no_key(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        with redis.Redis.from_url(running.redis_url) as client:
            client.set("key", "value")
            await running.flush_redis()
            assert client.keys() == []
        await running.wipe_broker()
        topics = await describe_topics(KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers))
        assert "paystream.payment" in topics


async def test_a_process_that_fails_to_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    reason = "API_KEYS is not set"
    broken = Stack(tmp_path, fsync=False, processes=[fake("relay"), fake("projector", "--fail-with", reason)])
    with pytest.raises(StartFailed, match=f"projector does not start: {reason}") as failure:
        await broken.start()
    assert failure.value.component == "projector"
    assert pids(broken) == {}


async def test_a_process_that_crashes_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = Stack(tmp_path, fsync=False, processes=[fake("relay", "--crash")])
    with pytest.raises(StartFailed, match="it does not work at all"):
        await broken.start()


async def test_a_process_that_ignores_sigterm_is_killed_in_time(tmp_path: Path) -> None:
    stubborn = Stack(
        tmp_path, fsync=False, processes=[fake("relay", "--ignore-sigterm"), fake("sandbox", "--ignore-sigterm")]
    )
    await stubborn.start()
    started = pids(stubborn)
    began = time.monotonic()
    await stubborn.stop()
    assert time.monotonic() - began < 10
    assert all_gone(started.values())()


async def test_a_second_stack_on_the_same_folder_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    async with stack(tmp_path) as running:
        before = pids(running)
        with pytest.raises(HomeInUse, match=f"already runs on {tmp_path} .process {os.getpid()}"):
            await stack(tmp_path).start()
        assert pids(running) == before


async def test_a_port_in_use_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    async with stack(tmp_path / "one", "command-api") as running:
        port = running.component("command-api").port
        with pytest.raises(PortInUse, match=f"Port {port}.*COMMAND_API_PORT"):
            await stack(tmp_path / "two", "command-api", ports={"command-api": port}).start()


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="PAYSTREAM_HOME"):
        await stack(tmp_path / "file" / "home").start()


async def test_an_abandoned_start_leaves_nothing(tmp_path: Path) -> None:
    starting = stack(tmp_path, "relay")
    task = asyncio.create_task(starting.start())

    async def what_runs() -> dict[str, int]:
        return pids(starting)

    started = await eventually(what_runs, lambda running: "postgres" in running)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    wait_until(all_gone(started.values()))
    with Home(tmp_path):
        pass  # and the folder is free again


async def test_a_service_that_shares_its_process_is_found_by_its_own_name(tmp_path: Path) -> None:
    shared = replace(fake("workers"), serves={"RELAY__": "relay", "PROJECTOR__": "projector"})
    async with Stack(tmp_path, fsync=False, processes=[shared]) as running:
        assert running.component("relay") is running.component("projector") is running.component("workers")
        seen = (await get(f"http://{running.component('workers').address}/environment")).json()
        assert "paystream_relay_login" in seen["RELAY__DATABASE_URL"]
        assert "paystream_projector_login" in seen["PROJECTOR__DATABASE_URL"]
        assert "DATABASE_URL" not in seen
        assert running.environment("relay")["DATABASE_URL"] == seen["RELAY__DATABASE_URL"]


async def test_a_home_keeps_the_number_of_partitions_that_it_began_with(tmp_path: Path) -> None:
    async def partitions(home: Path) -> int:
        async with stack(home) as running:
            found = await describe_topics(KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers))
            return found["paystream.payment"]

    assert await partitions(tmp_path / "new") == PARTITIONS
    kept = tmp_path / "new" / "stack.json"
    before_it_was_written_down = {
        name: value for name, value in json.loads(kept.read_text()).items() if name != "partitions"
    }
    kept.write_text(json.dumps(before_it_was_written_down))
    assert await partitions(tmp_path / "new") == FORMER_PARTITIONS
