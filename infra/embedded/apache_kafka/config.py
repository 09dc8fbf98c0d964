"""The configuration of one Kafka node: broker and controller in one Java process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.embedded.apache_kafka.tls import TlsFiles

CLUSTER_ID = "cGF5c3RyZWFtLWthZmthMQ"
"""Any 16 bytes in base64. All nodes of a cluster share it, also one that lost its data: so it is always the same."""

_SESSION = {
    # By default 9 s. A node that was killed is let in again only when its former session is over; until then its
    # partitions have no leader. A node that gets no processor for so long on a busy machine counts as dead.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}
_MODEST = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # 128 MB of heap by default, taken at start; this is enough for 200,000 keys of compacted topics at once.
    "log.cleaner.dedupe.buffer.size": str(4 * 1024 * 1024),
    # An index file is made this large when its segment is opened: 10 MB by default.
    "log.index.size.max.bytes": str(1024 * 1024),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Where a node listens on 127.0.0.1: for clients, for other brokers, for controllers."""

    client: int
    internal: int
    controller: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeConfig:
    """What makes a node of a cluster. `nodes` are the ports of all of them; number 1 is the first."""

    number: int
    nodes: Sequence[Ports]
    tls: TlsFiles | None = None
    """With it, clients speak TLS; the nodes speak plain text to each other all the same."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """More Kafka settings, which override those that are written here."""

    @property
    def ports(self) -> Ports:
        """The ports of this node."""
        return self.nodes[self.number - 1]

    def properties(self, *, data: str) -> str:
        """Return the text of `server.properties`; `data` is a folder, relative to where the node runs."""
        settings = {
            **self._network(),
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            **self._replication(),
            **_SESSION,
            **_MODEST,
            **self._tls(),
            **self.extra,
        }
        return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())

    def _network(self) -> dict[str, str]:
        clients, internal = f"CLIENT://127.0.0.1:{self.ports.client}", f"INTERNAL://127.0.0.1:{self.ports.internal}"
        voters = [f"{number}@127.0.0.1:{ports.controller}" for number, ports in enumerate(self.nodes, start=1)]
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.number),
            "listeners": f"{clients},{internal},CONTROLLER://127.0.0.1:{self.ports.controller}",
            "advertised.listeners": f"{clients},{internal}",
            "listener.security.protocol.map": (
                f"CLIENT:{'PLAINTEXT' if self.tls is None else 'SSL'},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            # Fixed voters: their ports may change from one start to the next, and a node may come back without data.
            "controller.quorum.voters": ",".join(voters),
        }

    def _replication(self) -> dict[str, str]:
        copies = min(3, len(self.nodes))
        in_sync = str(max(1, copies - 1))
        return {
            "default.replication.factor": str(copies),
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": str(copies),
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": str(copies),
            "share.coordinator.state.topic.min.isr": in_sync,
        }

    def _tls(self) -> dict[str, str]:
        if self.tls is None:
            return {}
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": KEYSTORE,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": TRUSTSTORE,
            "ssl.client.auth": "required" if self.tls.asks_clients else "none",
        }


KEYSTORE = "keystore.pem"
TRUSTSTORE = "truststore.pem"


def _escaped(value: str) -> str:
    r"""Escape what a properties file of Java takes for an escape (`\`)."""
    return value.replace("\\", "\\\\").replace("\n", "\\n")
