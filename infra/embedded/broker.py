"""The Kafka broker of the embedded stack: Tansu, in memory.

It forgets topics and group offsets when it ends, and has no transactions (KAFKA_TRANSACTIONS=false); the relay fills
it again from the event store. Source: https://github.com/tansu-io/tansu
"""

from pathlib import Path

from infra.embedded.binaries import tansu
from infra.embedded.child_process import Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment
from infra.embedded.home import Home
from infra.embedded.probe import accepts


class Broker(Component):
    """A Kafka-compatible broker on 127.0.0.1."""

    def __init__(self, home: Home, *, port: int) -> None:
        super().__init__("broker", "Kafka broker", home, port=port)

    def command(self) -> Command:
        """Run it in the foreground with its storage in memory."""
        listener = f"tcp://{self.address}"
        argv = (
            *(str(tansu()), "--storage-engine", "memory://tansu/"),
            *("--listener-url", listener, "--advertised-listener-url", listener),
        )
        # Tansu takes settings from any `.env` in its folder and in those around it: ours may be there.
        return Command(argv=argv, env={**base_environment(), "NO_COLOR": "1"}, cwd=Path("/"))

    async def is_ready(self) -> bool:
        """Whether it listens: then it answers."""
        return await accepts(self.port)

    def forget(self) -> None:
        """Delete what it holds, which ended with its process."""
        assert not self.running, "stop it first"
