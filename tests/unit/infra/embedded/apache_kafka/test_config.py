"""The text of a node's server.properties."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.embedded.apache_kafka.config import NodeConfig, Ports
from infra.embedded.apache_kafka.tls import TlsFiles

FIRST = Ports(client=20_001, internal=20_002, controller=20_003)
OTHERS = [Ports(client=base + 1, internal=base + 2, controller=base + 3) for base in (21_000, 22_000, 23_000)]
ALONE = NodeConfig(number=1, nodes=[FIRST])


def settings(config: NodeConfig) -> dict[str, str]:
    lines = config.properties(data="data").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_everything_listens_on_this_machine_only() -> None:
    found = settings(ALONE)
    for name in ("listeners", "advertised.listeners"):
        assert all("://127.0.0.1:" in listener for listener in found[name].split(","))
    assert found["advertised.listeners"] == "CLIENT://127.0.0.1:20001,INTERNAL://127.0.0.1:20002"


def test_topics_are_made_by_declaration_alone() -> None:
    assert settings(ALONE)["auto.create.topics.enable"] == "false"


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (4, "3", "2")])
def test_kafkas_own_topics_survive_the_loss_of_one_of_three_brokers(brokers: int, copies: str, in_sync: str) -> None:
    found = settings(NodeConfig(number=1, nodes=[FIRST, *OTHERS][:brokers]))
    assert found["offsets.topic.replication.factor"] == copies
    assert found["transaction.state.log.replication.factor"] == copies
    assert found["transaction.state.log.min.isr"] == in_sync
    assert found["min.insync.replicas"] == in_sync


def test_each_node_has_its_own_ports_and_knows_every_controller() -> None:
    second = settings(NodeConfig(number=2, nodes=[FIRST, *OTHERS[:2]]))
    assert second["node.id"] == "2"
    assert second["listeners"].startswith("CLIENT://127.0.0.1:21001,")
    assert second["controller.quorum.voters"] == "1@127.0.0.1:20003,2@127.0.0.1:21003,3@127.0.0.1:22003"


@pytest.mark.parametrize(("asks", "written"), [(False, "none"), (True, "required")])
def test_with_tls_only_clients_speak_it(asks: bool, written: str) -> None:
    files = TlsFiles(
        ca=Path("ca"),
        broker_certificate=Path("b"),
        broker_key=Path("k"),
        client_certificate=Path("c"),
        client_key=Path("l"),
        asks_clients=asks,
    )
    found = settings(replace(ALONE, tls=files))
    assert found["listener.security.protocol.map"] == "CLIENT:SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
    assert found["ssl.client.auth"] == written
    assert not [name for name in settings(ALONE) if name.startswith("ssl.")]


def test_settings_of_the_caller_come_last_and_are_escaped() -> None:
    found = settings(replace(ALONE, extra={"node.id": "7", "a.regex": "\\d"}))
    assert found["node.id"] == "7"
    assert found["a.regex"] == "\\\\d"
