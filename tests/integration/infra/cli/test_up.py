"""`paystream up` as a person sees it, with small stand-ins for the Paystream processes."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infra.embedded.ports import free_port
from infra.embedded.prometheus import find_program
from tests.integration.infra.embedded.components import (
    FAKE,
    all_gone,
    descendants,
    wait_for_descendants,
    wait_until,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_UP = """
import sys
from infra.cli import up
from infra.embedded.process import HTTP_PORTS, ProcessSpec

up.processes_of = lambda layout: [
    ProcessSpec(name=name, label=name, arguments=(sys.argv[1],), port_variable=HTTP_PORTS.get(name, "HEALTH_PORT"))
    for name in ("command-api", "query-api", "sandbox", "relay")
]
sys.exit(up.run_up(prometheus="--prometheus" in sys.argv))
"""


class Up:
    """A running `paystream up`."""

    def __init__(self, home: Path, ports: Sequence[int], prometheus_port: int | None) -> None:
        self.home = home
        self.ports = ports
        self._output = home.parent / "output"
        variables = ("COMMAND_API_PORT", "QUERY_API_PORT", "STRIPE_SANDBOX_PORT")
        with_prometheus = {} if prometheus_port is None else {"PROMETHEUS_PORT": str(prometheus_port)}
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _UP, str(FAKE), *(["--prometheus"] if with_prometheus else [])],
                env={
                    "PAYSTREAM_HOME": str(home),
                    "PATH": "/usr/bin:/bin",
                    **{name: str(port) for name, port in zip(variables, ports, strict=True)},
                    **with_prometheus,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home.parent,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_up(self) -> None:
        wait_until(lambda: "Ctrl-C ends everything" in self.output or self.process.poll() is not None, within_s=30)
        assert self.process.poll() is None, self.output


@contextmanager
def running_up(
    folder: Path, ports: Sequence[int] | None = None, home: Path | None = None, prometheus_port: int | None = None
) -> Iterator[Up]:
    folder.mkdir()
    up = Up(home or folder / "home", ports or [free_port() for _ in range(3)], prometheus_port)
    try:
        yield up
    finally:
        up.process.kill()
        up.process.wait()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_shows_parts_then_what_to_try_then_events_and_ends_all_processes(tmp_path: Path, end: signal.Signals) -> None:
    with running_up(tmp_path / "one") as up:
        up.wait_up()
        for component in ("PostgreSQL", "Valkey", "Kafka broker", "Database schema", "command-api", "relay"):
            assert re.search(rf"ready +{component} .* \d+\.\d s", up.output), component
        assert f"curl -s http://127.0.0.1:{up.ports[0]}/payments" in up.output
        assert "sk_dev_paystream" in up.output
        assert "\x1b" not in up.output  # no terminal, no colours

        httpx.get(f"http://127.0.0.1:{up.ports[0]}/event/pay-1")
        wait_until(lambda: re.search(r"\d\d:\d\d:\d\d  payment pay-1  is now succeeded", up.output) is not None)

        children = descendants(up.process.pid)
        up.process.send_signal(end)
        assert up.process.wait(timeout=10) == 0
        assert "every process has ended" in up.output
        assert all_gone(children)()


def test_a_process_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    with running_up(tmp_path / "one") as up:
        up.wait_up()
        log = up.home / "logs" / "relay.log"
        pid = int(re.findall(r'"pid": (\d+)', log.read_text())[0])
        subprocess.run(["kill", "-9", str(pid)], check=True)
        wait_until(lambda: "relay ended (exit code -9); starting it again in 0.5 s" in up.output)
        wait_until(lambda: len(re.findall(r"ready +relay", up.output)) == 2)


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with running_up(tmp_path / "one") as up:
        children = wait_for_descendants(up.process.pid, at_least=2)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=10) == 0
        assert all_gone(children)()


@pytest.mark.skipif(find_program("prometheus") is None, reason="Prometheus is not on this machine")
def test_prometheus_runs_beside_it_and_scrapes_every_process(tmp_path: Path) -> None:
    port = free_port()
    with running_up(tmp_path / "one", prometheus_port=port) as up:
        up.wait_up()
        assert re.search(r"ready +Prometheus .* \d+\.\d s", up.output)
        assert f"http://127.0.0.1:{port}" in up.output
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1") as api:
            wait_until(lambda: scraped(api) == {"command-api", "query-api", "sandbox", "relay"})
            groups = api.get("/rules").json()["data"]["groups"]
        assert "ProcessDown" in {rule["name"] for group in groups for rule in group["rules"]}
        children = descendants(up.process.pid)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=20) == 0
        assert all_gone(children)()


def scraped(api: httpx.Client) -> set[str]:
    """Return the processes that a Prometheus scrapes."""
    targets = api.get("/targets").json()["data"]["activeTargets"]
    return {each["labels"]["job"].removeprefix("paystream-") for each in targets}


def refused(up: Up) -> str:
    assert up.process.wait(timeout=20) == 1
    assert "Traceback" not in up.output
    return up.output


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running_up(tmp_path / "one") as first:
        first.wait_up()
        with running_up(tmp_path / "two", home=first.home) as second:
            message = refused(second)
            assert f"paystream: Paystream already runs on {first.home} (process {first.process.pid})" in message
        assert first.process.poll() is None


def test_a_port_in_use_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with running_up(tmp_path / "one") as first:
        first.wait_up()
        with running_up(tmp_path / "two", ports=first.ports) as second:
            message = refused(second)
            assert f"Port {first.ports[0]}, wanted for command-api, is in use" in message
            assert "COMMAND_API_PORT=" in message


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    with running_up(tmp_path / "one", ports=[70000, 1, 2]) as up:
        assert up.process.wait(timeout=10) == 2
        assert up.output.startswith("COMMAND_API_PORT: ")
