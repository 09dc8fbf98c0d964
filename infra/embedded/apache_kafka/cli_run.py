"""Runs `paystream kafka start`: Apache Kafka in the foreground."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from infra.cli.foreground import EndSignals, unless
from infra.cli.screen import Screen
from infra.cli.settings import HomeSettings
from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.apache_kafka.jars import VERSION
from infra.embedded.apache_kafka.node import KafkaNode
from infra.embedded.apache_kafka.tls import TlsFiles, make_tls_files
from infra.embedded.concurrency import run_concurrently
from infra.embedded.errors import EmbeddedError, PortInUse
from infra.embedded.home import Home
from infra.embedded.orphans import end_leftovers
from infra.embedded.ports import is_free
from infra.embedded.reports import ComponentReady, LeftoverEnded
from infra.embedded.supervisor import keep_running
from infra.settings.loading import load_settings

_ENOUGH_TO_LOSE_ONE = 3


def run_kafka_start(*, brokers: int, port: int, tls: bool) -> int:
    """Run the brokers until a signal ends them; return the exit code: 1 when they do not start."""
    settings = load_settings(HomeSettings)
    screen = Screen()
    try:
        # A folder of its own in the home: beside a stack that runs there with a broker of its own.
        with Home(settings.paystream_home / "kafka") as home:
            return asyncio.run(_run(home, screen, ports=range(port, port + brokers), tls=tls))
    except KeyboardInterrupt:  # before or after the signals are ours: nothing runs then
        return 0
    except EmbeddedError as error:
        print(f"\npaystream: {error}", file=sys.stderr)
        return 1


async def _run(home: Home, screen: Screen, *, ports: Sequence[int], tls: bool) -> int:
    signals = EndSignals()
    screen.say(f"Starting Apache Kafka {VERSION} in {home.path}")
    began = time.monotonic()
    for name in end_leftovers(home.run):
        screen.report(LeftoverEnded(name=name))
    _check_ports(ports)
    files = make_tls_files(home.path / "tls") if tls else None
    cluster = KafkaCluster(home, brokers=len(ports), ports=ports, tls=files, report=screen.report)
    signals.running = cluster
    try:
        if not await unless(signals.stop_requested, _start(cluster, screen)):
            screen.say("Stopped before it was up: every process has ended.")
            return 0
        screen.say(f"Kafka is up after {time.monotonic() - began:.1f} s.", *_what_to_do(cluster, files))
        await _until_stop_requested(signals.stop_requested, cluster, screen)
    finally:
        await _stop(cluster, screen)
    return 0


async def _start(cluster: KafkaCluster, screen: Screen) -> None:
    async def up(node: KafkaNode) -> None:
        began = time.monotonic()
        await node.start()
        await node.wait_ready()
        screen.report(ComponentReady(label=node.label, address=node.address, seconds=time.monotonic() - began))

    try:
        await run_concurrently(*map(up, cluster.nodes))
    except BaseException:
        cluster.kill()
        raise


async def _until_stop_requested(stop_requested: asyncio.Event, cluster: KafkaCluster, screen: Screen) -> None:
    """Wait for the signal to end, and start again what ends before."""
    watchers = [asyncio.create_task(keep_running(node, KafkaNode.restart, screen.report)) for node in cluster.nodes]
    await stop_requested.wait()
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)


async def _stop(cluster: KafkaCluster, screen: Screen) -> None:
    was_running = any(node.running for node in cluster.nodes)
    if was_running:
        screen.say("Stopping ...")
    try:
        with suppress(EmbeddedError):
            await cluster.stop()
    finally:
        cluster.kill()
    if was_running:
        screen.say("Stopped: every process has ended.")


def _check_ports(ports: Sequence[int]) -> None:
    for port in ports:
        if not is_free(port):
            message = f"Port {port} is in use by another program. Choose others: paystream kafka start --port 19092"
            raise PortInUse(message, port=port)


def _what_to_do(cluster: KafkaCluster, tls: TlsFiles | None) -> list[str]:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": cluster.address}
    if len(cluster.nodes) >= _ENOUGH_TO_LOSE_ONE:
        settings["KAFKA_REPLICATION_FACTOR"] = str(_ENOUGH_TO_LOSE_ONE)
    if tls is not None:
        settings |= {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": str(tls.ca)}
    return [
        "",
        "Set this where you run a process (make run-relay, ...); the relay creates the topics:",
        "",
        *(f"  export {name}={value}" for name, value in settings.items()),
        "",
        f"Logs: {cluster.nodes[0].log.parent}",
        "Ctrl-C ends it; what it holds stays.",
        "",
    ]
