"""`paystream kafka start` as a person sees it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded.ports import free_port
from infra.kafka.topics import describe_topics
from tests.integration.infra.embedded.components import all_gone, descendants, wait_for_descendants, wait_until
from tests.support.kafka import transactional_settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]


class Started:
    """A running `paystream kafka start` in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.home = folder / "home"
        self._output = folder / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "kafka", "start", *arguments],
                env={**os.environ, "PAYSTREAM_HOME": str(self.home), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_up(self) -> None:
        wait_until(lambda: "Ctrl-C ends it" in self.output or self.process.poll() is not None, within_s=90)
        assert self.process.poll() is None, self.output


@contextmanager
def started(folder: Path, *arguments: str, **environment: str) -> Iterator[Started]:
    running = Started(folder, *arguments, **environment)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.apache_kafka
async def test_says_what_to_set_starts_again_what_dies_and_ends_java_when_asked(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, "--port", str(port)) as kafka:
        kafka.wait_up()
        assert re.search(rf"ready +Apache Kafka +127.0.0.1:{port} +\d+\.\d s", kafka.output)
        assert f"export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port}\n" in kafka.output
        assert "\x1b" not in kafka.output  # no terminal, no colours

        (java,) = descendants(kafka.process.pid)
        os.kill(java, signal.SIGKILL)
        wait_until(lambda: "Apache Kafka ended (exit code -9); starting it again in 0.5 s" in kafka.output)
        wait_until(lambda: len(re.findall("ready +Apache Kafka", kafka.output)) == 2, within_s=60)
        assert await describe_topics(transactional_settings(f"127.0.0.1:{port}")) == {}

        children = descendants(kafka.process.pid)
        kafka.process.send_signal(signal.SIGTERM)
        assert kafka.process.wait(timeout=10) == 0
        assert "every process has ended" in kafka.output
        assert all_gone(children)()


@pytest.mark.apache_kafka
def test_with_three_brokers_and_tls_it_says_all_that_is_to_be_set(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, "--port", str(port), "--brokers", "3", "--tls") as kafka:
        kafka.wait_up()
        addresses = ",".join(f"127.0.0.1:{port + each}" for each in range(3))
        for line in (
            f"KAFKA_BOOTSTRAP_SERVERS={addresses}",
            "KAFKA_REPLICATION_FACTOR=3",
            "KAFKA_SECURITY_PROTOCOL=SSL",
            f"KAFKA_SSL_CA_FILE={kafka.home}/kafka/tls/ca.pem",
        ):
            assert f"  export {line}\n" in kafka.output


@pytest.mark.apache_kafka
def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "--port", str(free_port())) as kafka:
        children = wait_for_descendants(kafka.process.pid)
        kafka.process.send_signal(signal.SIGINT)
        assert kafka.process.wait(timeout=10) == 0
        assert kafka.output.endswith("Stopped before it was up: every process has ended.\n")
        assert all_gone(children)()


def test_a_port_in_use_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, started(tmp_path, "--port", _port_of(other)) as kafka:
        assert kafka.process.wait(timeout=10) == 1
        assert f"paystream: Port {_port_of(other)} is in use by another program. Choose others: " in kafka.output


def _port_of(server: socket.socket) -> str:
    return str(server.getsockname()[1])


def test_without_java_it_says_what_to_install(tmp_path: Path) -> None:
    with started(tmp_path, "--port", str(free_port()), PATH="/nowhere", JAVA_HOME="") as kafka:
        assert kafka.process.wait(timeout=10) == 1
        assert "paystream: Apache Kafka needs Java, and there is none in PATH. Install Java 17" in kafka.output
        assert "Traceback" not in kafka.output
