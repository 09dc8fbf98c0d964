"""A Kafka cluster of one or several nodes on this machine, started and ended as one."""

from collections.abc import Mapping, Sequence

from infra.embedded.apache_kafka.config import NodeConfig, Ports
from infra.embedded.apache_kafka.node import KafkaNode
from infra.embedded.apache_kafka.tls import TlsFiles
from infra.embedded.concurrency import run_concurrently
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.reports import Reporter, silent


class KafkaCluster:
    """Nodes 1 to `brokers`; each is broker and controller.

        cluster = KafkaCluster(home, brokers=3)       # home is open
        await cluster.start()
        await cluster.wait_ready()
        cluster.nodes[0].kill()                       # and .restart(), .pid, .port, .running
        await cluster.stop()

    `ports` are those for clients, of the first nodes; the others are picked. `tls`: clients then speak TLS. `extra` are
    Kafka settings for every node. Raises what a `Component` raises, and leaves nothing running.
    """

    def __init__(
        self,
        home: Home,
        *,
        brokers: int = 1,
        ports: Sequence[int] = (),
        tls: TlsFiles | None = None,
        extra: Mapping[str, str] | None = None,
        report: Reporter = silent,
    ) -> None:
        clients = [*ports, *(free_port(besides=ports) for _ in range(brokers - len(ports)))]
        placed = [
            Ports(client=port, internal=free_port(besides=clients), controller=free_port(besides=clients))
            for port in clients
        ]
        self.nodes = tuple(
            KafkaNode(
                "broker" if brokers == 1 else f"broker-{number}",
                "Apache Kafka" if brokers == 1 else f"Apache Kafka {number}",
                home,
                config=NodeConfig(number=number, nodes=placed, tls=tls, extra=extra or {}),
                report=report,
            )
            for number in range(1, brokers + 1)
        )

    @property
    def address(self) -> str:
        """The KAFKA_BOOTSTRAP_SERVERS of the cluster."""
        return ",".join(node.address for node in self.nodes)

    @property
    def running(self) -> bool:
        """Whether every node is there; ready or not."""
        return all(node.running for node in self.nodes)

    async def start(self) -> None:
        """Start the nodes that do not run."""
        try:
            await run_concurrently(*(node.start() for node in self.nodes))
        except BaseException:
            self.kill()
            raise

    async def wait_ready(self) -> None:
        """Wait until every node serves clients."""
        try:
            await run_concurrently(*(node.wait_ready() for node in self.nodes))
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> None:
        """End every node in good order, within 4 s."""
        await run_concurrently(*(node.stop() for node in self.nodes))

    def kill(self) -> None:
        """End every node at once (SIGKILL)."""
        for node in self.nodes:
            node.kill()

    kill_all = kill

    async def restart(self) -> None:
        """Stop all nodes and start them again, with what they hold."""
        await self.stop()
        await self.start()
        await self.wait_ready()

    async def wipe(self) -> None:
        """Kill all nodes and start them again, empty, on the same ports: no topics, no records, no offsets."""
        self.kill()
        for node in self.nodes:
            node.forget()
        await self.start()
        await self.wait_ready()
