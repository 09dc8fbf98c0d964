"""The whole system on this machine: three servers and every Paystream process, started and ended as one."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.embedded.apache_kafka.cluster import KafkaCluster
from infra.embedded.apache_kafka.node import KafkaNode
from infra.embedded.broker import Broker
from infra.embedded.component import Component
from infra.embedded.concurrency import run_concurrently
from infra.embedded.connections import (
    FORMER_PARTITIONS,
    PARTITIONS,
    BrokerKind,
    Connections,
    background_settings,
    shared_settings,
)
from infra.embedded.databases import migrate
from infra.embedded.forked_process import load_fork_server
from infra.embedded.home import Home
from infra.embedded.orphans import end_leftovers
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import FixedPort, check_free, free_port, in_range, is_free
from infra.embedded.postgres import DATA_FOLDER, OWNER, PostgresServer
from infra.embedded.process import HTTP_PORTS, Process, ProcessSpec, declared_processes
from infra.embedded.prometheus import PrometheusServer
from infra.embedded.reports import ComponentReady, LeftoverEnded, Reporter, StepDone, silent
from infra.embedded.running import PROOFS, SANDBOX_DATA, STACK_FILE
from infra.embedded.supervisor import keep_running
from infra.embedded.topics import create_topics
from infra.embedded.valkey import ValkeyServer

_PORTS_FILE = "ports.json"
_SANDBOX, _PROMETHEUS = "sandbox", "prometheus"
_SERVERS_STOP_WITHIN_S = 3.5  # after the 5 s that processes may take


@dataclass(frozen=True, kw_only=True, slots=True)
class Urls:
    """Where the HTTP servers of a stack answer; an address is there whether its process is or not."""

    command_api: str
    query_api: str
    back_office: str
    sandbox: str


class Stack:
    """An embedded stack on the folder `home`.

        stack = Stack(tmp_path, fsync=False)
        async with stack:                       # start() and stop()
            httpx.post(stack.urls.command_api + "/payments", ...)
            stack.kill("relay")                 # SIGKILL; names: postgres, valkey, broker, sandbox, command-api, ...
            await stack.restart("relay")        # returns when it is ready
            await stack.wipe_broker()           # all topics and offsets gone
            await stack.flush_redis()
            stack.component("relay").pid             # and .running, .log, .port, .address

    `ports` fixes ports by component name; others are picked, and kept in the home for the next start when still free.
    `processes` are the Paystream processes to run; None: all that are declared; (): the servers alone, migrated.
    `settings` are environment variables for every process, on top of what the stack gives it.
    `supervise`: a component that ends by itself is started again. Without it (tests) it stays away until `restart`.
    `broker="apache"` runs real Kafka, which keeps its topics and offsets in the home; it needs Java, and Maven once.
    `prometheus`: one runs beside it and asks every process; it has to be on this machine.
    `fsync=False` makes PostgreSQL faster; its data then survives kills but no power failure.

    `start` raises a subclass of EmbeddedError with a text for people, and leaves nothing running. Call it in the main
    thread: on Linux children end with the thread that started them. A stopped stack can be started again.
    """

    def __init__(
        self,
        home: Path,
        *,
        ports: Mapping[str, int] | None = None,
        fsync: bool = True,
        processes: Sequence[ProcessSpec] | None = None,
        settings: Mapping[str, str] | None = None,
        supervise: bool = False,
        broker: BrokerKind = "embedded",
        prometheus: bool = False,
        report: Reporter = silent,
    ) -> None:
        self.home = Home(home)
        self._fixed_ports = dict(ports or {})
        self._fsync = fsync
        self._specs = tuple(declared_processes() if processes is None else processes)
        self._settings = dict(settings or {})
        self._supervise = supervise
        self._broker_kind = broker
        self._has_prometheus = prometheus
        self._report = report
        self._partitions = PARTITIONS
        self._ports: dict[str, int] = {}
        self._components: dict[str, Component] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start everything; returns when every component is ready."""
        try:
            self.home.open()
            for name in end_leftovers(self.home.run):
                self._report(LeftoverEnded(name=name))
            self._partitions = self._choose_partitions()
            self._ports = self._choose_ports()
            self._build()
            if any(process.spec.is_module for process in self._processes()):
                load_fork_server()
            await self._start_all()
        except BaseException:
            await self.stop()
            raise
        if self._supervise:
            self._watchers = [
                asyncio.create_task(keep_running(component, self._restart, self._report))
                for component in self._components.values()
            ]

    async def stop(self) -> None:
        """End everything: first what uses the servers, then the servers. Takes at most 10 s."""
        try:
            for watcher in self._watchers:
                watcher.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)
            self._watchers = []
            await run_concurrently(*(component.stop() for component in self._processes() if component.name != _SANDBOX))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SERVERS_STOP_WITHIN_S):
                    await run_concurrently(*(component.stop() for component in self._components.values()))
        finally:
            self.kill_all()
            self.home.close()

    def kill_all(self) -> None:
        """End everything at once."""
        for component in self._components.values():
            component.kill()

    def kill(self, name: str) -> None:
        """End one component as a crash would (SIGKILL), and return when it is gone."""
        self.component(name).kill()

    async def restart(self, name: str) -> None:
        """Start one component again, stopping it first if it runs; returns when it is ready."""
        await self._restart(self.component(name))

    async def wipe_broker(self) -> None:
        """Kill the broker and start an empty one on the same port: no messages, no group offsets, new topics."""
        self._broker.attended = True
        self._broker.kill()
        self._broker.forget()
        await self._restart(self._broker)

    async def flush_redis(self) -> None:
        """Remove every key of Valkey."""
        await self._valkey.flush()

    def component(self, name: str) -> Component:
        """Return one component; of a service that shares its process, that process. Raises KeyError."""
        shared = (spec.name for spec in self._specs if name in spec.serves.values())
        return self._components[name if name in self._components else next(shared, name)]

    @property
    def components(self) -> tuple[Component, ...]:
        """All components in the order in which they are started; empty before `start`."""
        return tuple(self._components.values())

    @property
    def process_names(self) -> tuple[str, ...]:
        """The names of the Paystream processes that it runs, known before `start`."""
        return tuple(spec.name for spec in self._specs)

    @property
    def urls(self) -> Urls:
        """The addresses of the HTTP servers."""
        return Urls(
            command_api=f"http://127.0.0.1:{self._ports['command-api']}",
            query_api=f"http://127.0.0.1:{self._ports['query-api']}",
            back_office=f"http://127.0.0.1:{self._ports['back-office']}",
            sandbox=f"http://127.0.0.1:{self._ports['sandbox']}",
        )

    @property
    def prometheus_url(self) -> str | None:
        """Where Prometheus answers, if one runs beside the stack."""
        return f"http://127.0.0.1:{self._ports[_PROMETHEUS]}" if self._has_prometheus else None

    def database_url(self, role: str = OWNER) -> str:
        """Return the URL of the database for a login role: paystream_owner, paystream_app_login, ..."""
        return self._postgres.url(role)

    @property
    def redis_url(self) -> str:
        """The REDIS_URL of the stack's Valkey."""
        return self._valkey.url

    @property
    def kafka_bootstrap_servers(self) -> str:
        """The KAFKA_BOOTSTRAP_SERVERS of the stack's broker."""
        return self._broker.address

    def environment(self, process: str) -> dict[str, str]:
        """Return the whole environment of a Paystream process of this stack.

        Of a service that shares its process it is what it would find in one of its own.
        """
        component = self.component(process)
        assert isinstance(component, Process), f"{process} is a server"
        if component.name == process:
            return component.environment()
        return {**component.environment(), **self._connections.settings_of(process), **self._settings}

    def connection_settings(self, name: str) -> Mapping[str, str]:
        """Return how a process of this stack, or a command, reaches its servers."""
        return self._connections.settings_of(name)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _choose_partitions(self) -> int:
        """Take as many partitions as the home had before: checkpoints are by partition."""
        kept = self.home.remembered(STACK_FILE).get("partitions")
        if kept is not None:
            return int(kept)
        return FORMER_PARTITIONS if (self.home.path / DATA_FOLDER).exists() else PARTITIONS

    def _choose_ports(self) -> dict[str, int]:
        """Take fixed ports as they are, the others as last time when still free and in the range that is set.

        They are remembered: see running.py.
        """
        last = self.home.remembered(_PORTS_FILE)
        beside = (_PROMETHEUS,) if self._has_prometheus else ()
        processes = (spec.name for spec in self._specs)
        names = dict.fromkeys(("postgres", "valkey", "broker", *HTTP_PORTS, *processes, *beside))
        ports = dict(self._fixed_ports)
        for name in names:
            if name in self._fixed_ports:
                continue
            port = last.get(name)
            usable = isinstance(port, int) and in_range(port) and port not in ports.values() and is_free(port)
            ports[name] = int(port) if usable and port else free_port(besides=ports.values())
        self.home.remember(_PORTS_FILE, {name: port for name, port in ports.items() if name not in self._fixed_ports})
        kept = {"broker_kind": self._broker_kind, "partitions": self._partitions}
        self.home.remember(STACK_FILE, {**kept, **ports})
        return ports

    def _build(self) -> None:
        passwords = load_or_create(self.home)
        self._postgres = PostgresServer(self.home, port=self._ports["postgres"], passwords=passwords, fsync=self._fsync)
        self._valkey = ValkeyServer(self.home, port=self._ports["valkey"], password=passwords.valkey)
        self._broker = self._make_broker()
        connections = self._connections = Connections(
            postgres=self._postgres,
            privacy_wrapping_key=passwords.privacy_wrapping_key,
            redis_url=self._valkey.url,
            kafka_bootstrap_servers=self._broker.address,
            broker=self._broker_kind,
            partitions=self._partitions,
            command_api=self.urls.command_api,
            query_api=self.urls.query_api,
            stripe_api_base=self.urls.sandbox,
            sandbox_data=self.home.path / SANDBOX_DATA,
            proofs=self.home.path / PROOFS,
        )
        processes = [
            Process(
                spec,
                self.home,
                port=self._ports[spec.name],
                settings=_overridden(
                    {**background_settings(spec.name), **_settings_of(spec, connections)}, self._settings
                ),
            )
            for spec in self._specs
        ]
        built: list[Component] = [self._postgres, self._valkey, self._broker, *processes]
        if self._has_prometheus:
            targets = {process.name: process.address for process in processes}
            built.append(PrometheusServer(self.home, port=self._ports[_PROMETHEUS], targets=targets))
        self._components = {component.name: component for component in built}

    def _make_broker(self) -> Broker | KafkaNode:
        port = self._ports["broker"]
        if self._broker_kind == "embedded":
            return Broker(self.home, port=port)
        return KafkaCluster(self.home, ports=[port], report=self._report).nodes[0]

    async def _start_all(self) -> None:
        beside = [each for each in self._components.values() if isinstance(each, PrometheusServer)]
        fixed = [(each, each.spec.port_variable) for each in self._processes()] + [
            (each, "PROMETHEUS_PORT") for each in beside
        ]
        check_free([FixedPort(number=each.port, used_for=each.label, variable=variable) for each, variable in fixed])
        needs_nothing = [process for process in self._processes() if process.name == _SANDBOX]
        others = [process for process in self._processes() if process.name != _SANDBOX]
        await run_concurrently(*map(self._up, (*needs_nothing, *beside)), self._start_servers_then(others))

    async def _start_servers_then(self, processes: Sequence[Process]) -> None:
        await run_concurrently(self._prepared_database(), self._prepared_broker(), self._up(self._valkey))
        await run_concurrently(*map(self._up, processes))

    async def _prepared_database(self) -> None:
        await self._up(self._postgres)
        changed = migrate(self._postgres)
        await self._step("Database schema", changed, {True: "migrated", False: "up to date"})

    async def _prepared_broker(self) -> None:
        await self._up(self._broker)
        await self._step("Kafka topics", self._create_topics(), {True: "created", False: "there"})

    async def _create_topics(self) -> bool:
        return await create_topics(self._broker.address, partitions=self._partitions) > 0

    async def _up(self, component: Component) -> None:
        started = time.monotonic()
        await component.start()
        await component.wait_ready()
        self._report(
            ComponentReady(label=component.label, address=component.address, seconds=time.monotonic() - started)
        )

    async def _step(self, label: str, work: Coroutine[Any, Any, bool], outcomes: Mapping[bool, str]) -> None:
        started = time.monotonic()
        outcome = outcomes[await work]
        self._report(StepDone(label=label, outcome=outcome, seconds=time.monotonic() - started))

    async def _restart(self, component: Component) -> None:
        await component.restart()
        if component is self._broker:
            await self._create_topics()

    def _processes(self) -> list[Process]:
        return [component for component in self._components.values() if isinstance(component, Process)]


def _settings_of(spec: ProcessSpec, connections: Connections) -> Mapping[str, str]:
    if not spec.serves:
        return connections.settings_of(spec.name)
    return shared_settings({prefix: connections.settings_of(name) for prefix, name in spec.serves.items()})


def _overridden(settings: Mapping[str, str], by: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with others in their place, also where a service of a shared process has its own."""
    return {name: value for name, value in settings.items() if name.rpartition("__")[2] not in by} | dict(by)
