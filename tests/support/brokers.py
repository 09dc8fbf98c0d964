"""The broker that tests run on: pytest's option `--broker`, and a broker lent to one test."""

import asyncio
from dataclasses import dataclass

import pytest

from infra.embedded.apache_kafka.jars import available, ensure_jars
from infra.embedded.apache_kafka.node import KafkaNode
from infra.embedded.broker import Broker
from infra.embedded.connections import BrokerKind
from infra.embedded.errors import EmbeddedError
from infra.embedded.process import Layout
from infra.settings.kafka import KafkaSettings
from tests.support.kafka import plain_settings, transactional_settings

EMBEDDED: BrokerKind = "embedded"
APACHE: BrokerKind = "apache"

# Whoever asks for one of these talks to a broker.
_FIXTURES = {"lent_broker", "session_stack", "apache_cluster"}
_chosen: BrokerKind = EMBEDDED


def chosen_broker() -> BrokerKind:
    """Return what `--broker` says: also the `broker` of a Stack."""
    return _chosen


def on_apache() -> bool:
    """Whether tests run on real Kafka."""
    return _chosen == APACHE


def chosen_layout() -> Layout:
    """Return how the processes of a system run: one each on real Kafka, as in production; else together."""
    return "separate" if on_apache() else "together"


def choose_broker(config: pytest.Config) -> None:
    """Take the option over. Ends the session when real Kafka is asked for and cannot be had."""
    try:
        use_broker(config.getoption("--broker"))
    except (EmbeddedError, LookupError) as error:
        raise pytest.UsageError(str(error)) from error


def use_broker(kind: BrokerKind) -> None:
    """Choose the broker of this process. Raises LookupError or EmbeddedError when real Kafka cannot be had."""
    global _chosen  # noqa: PLW0603 - an option of the whole session
    _chosen = kind
    if not on_apache():
        return
    if (reason := available()) is not None:
        raise LookupError(reason)
    asyncio.run(ensure_jars())


def needs_broker(item: pytest.Item) -> bool:
    """Whether a test talks to a broker."""
    marked = any(item.get_closest_marker(name) for name in ("broker", "apache_kafka"))
    return marked or not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def select_for_broker(config: pytest.Config, items: list[pytest.Item]) -> int:
    """Leave out what the chosen broker has nothing to say to; return how many tests need real Kafka and do not run.

    On the embedded broker everything runs but the tests marked `apache_kafka`; on real Kafka what is marked so, what is
    marked `broker`, and what uses a broker's fixture. The back office knows the two APIs alone, and is left out there.
    """
    selected: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        if on_apache():
            runs = needs_broker(item) and "back_office" not in item.path.parts
        else:
            runs = item.get_closest_marker("apache_kafka") is None
        (selected if runs else others).append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = selected
    return 0 if on_apache() else len(others)


@dataclass(kw_only=True)
class LentBroker:
    """An empty broker for one test: a Tansu of its own, or the session's Kafka, emptied."""

    component: Broker | KafkaNode
    killed: bool = False
    """And not started again: a process that was just killed may still look as if it ran."""

    @property
    def address(self) -> str:
        """Its bootstrap servers."""
        return self.component.address

    @property
    def pid(self) -> int:
        """The process to pause, say."""
        assert self.component.pid is not None
        return self.component.pid

    def settings(self, **changes: object) -> KafkaSettings:
        """Return the settings that fit it: with transactions on real Kafka, without on the embedded broker."""
        fitting = transactional_settings if isinstance(self.component, KafkaNode) else plain_settings
        return fitting(self.address, **changes)

    def kill(self) -> None:
        """End it at once."""
        self.killed = True
        self.component.kill()

    async def restart(self) -> None:
        """Start it again: a Tansu is empty then, Kafka has what it had."""
        await self.component.restart()
        self.killed = False

    async def wipe(self) -> None:
        """Kill it and start it again, empty, on the same port."""
        self.component.kill()
        self.component.forget()
        await self.component.restart()
