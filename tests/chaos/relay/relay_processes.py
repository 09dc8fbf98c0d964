"""Relays as processes: killed, frozen, and asked who publishes."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.probe import http_status
from infra.embedded.process import Process, ProcessSpec
from infra.settings.kafka import KafkaSettings
from tests.support.database import Database
from tests.support.waiting import eventually

TAKEOVER_AFTER_S = 4.0  # relays note themselves once a second, later on a machine that is busy


class RelayProcess(Process):
    """A relay of its own process."""

    def pause(self) -> None:
        """Freeze it, as a paused container is."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def leads(self) -> bool:
        """Whether it says that it publishes."""
        if not self.running:
            return False
        _, text = await http_status(self.port, "/metrics")
        return "relay_leading 1.0" in text

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return its log lines of this event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def ended(self, *, within: float = 60) -> int:
        """Wait until it has ended by itself; return its exit code."""

        async def exit_code() -> int | None:
            return self.exit_code

        code = await eventually(exit_code, lambda found: found is not None, within=within)
        assert code is not None
        return code

    def _signal(self, number: signal.Signals) -> None:
        assert self.pid is not None
        os.kill(self.pid, number)


class Relays:
    """Makes relays of one database and cluster; ends them all."""

    def __init__(self, home: Home, database: Database, settings: KafkaSettings) -> None:
        self._home = home
        self._database = database
        self._settings = settings
        self.made: list[RelayProcess] = []

    def new(self, shard: str = "0/1") -> RelayProcess:
        """Return a relay that is not started yet."""
        name = f"relay-{len(self.made) + 1}"
        environment = {
            **{key.upper(): str(value) for key, value in self._settings.model_dump(include=_KAFKA).items()},
            "DATABASE_URL": self._database.url("relay"),
            "RELAY_SHARD": shard,
            "RELAY_TAKEOVER_AFTER_MS": str(int(TAKEOVER_AFTER_S * 1000)),
        }
        spec = ProcessSpec(name=name, label=name, arguments=("-m", "infra.cli", "relay"))
        relay = RelayProcess(spec, self._home, port=free_port(), settings=environment)
        self.made.append(relay)
        return relay

    async def started(self, *shards: str) -> list[RelayProcess]:
        """Make relays, start them at once, and wait until each is ready: it publishes or stands by."""
        new = [self.new(shard) for shard in shards]
        for relay in new:
            await relay.start()
        await asyncio.gather(*(relay.wait_ready() for relay in new))
        return new

    async def leader(self, *, within: float = 60) -> RelayProcess:
        """Wait until exactly one relay publishes; return it."""

        async def leaders() -> list[RelayProcess]:
            return [each for each in self.made if await each.leads()]

        (leader,) = await eventually(leaders, lambda found: len(found) == 1, within=within)
        return leader


_KAFKA = {
    "kafka_bootstrap_servers",
    "kafka_transactions",
    "kafka_topic_partitions",
    "kafka_replication_factor",
    "kafka_request_timeout_ms",
}


@contextmanager
def relays_of(folder: Path, database: Database, settings: KafkaSettings) -> Iterator[Relays]:
    """Lend relays, and kill what is left of them."""
    with Home(folder) as home:
        made = Relays(home, database, settings)
        try:
            yield made
        finally:
            for relay in made.made:
                relay.kill()
