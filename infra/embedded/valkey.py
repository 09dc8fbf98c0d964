"""The Valkey server (a Redis): idempotency fast path and locks. Nothing in it must survive a restart."""

import asyncio
import glob
import os
from pathlib import Path

from infra.embedded.binaries import valkey_server
from infra.embedded.child_process import Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment
from infra.embedded.home import Home

_ANSWER_WITHIN_S = 3.0


class ValkeyServer(Component):
    """A Valkey on 127.0.0.1 with a password."""

    def __init__(self, home: Home, *, port: int, password: str) -> None:
        super().__init__("valkey", "Valkey", home, port=port)
        self._password = password

    @property
    def url(self) -> str:
        """The REDIS_URL of this server, with its password."""
        return f"redis://:{self._password}@{self.address}/0"

    @property
    def _folder(self) -> Path:
        return self.home.path / "valkey"

    async def prepare(self) -> None:
        """Write the configuration: a password on the command line could be read by every user of the machine."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._folder / "valkey.conf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f'requirepass "{self._password}"\nsave ""\nappendonly no\n')

    def command(self) -> Command:
        """Run it in the foreground, in its own folder.

        Valkey takes the path for a pattern, and starts without settings when no file matches: the address is therefore
        not among them.
        """
        settings = glob.escape(str(self._folder / "valkey.conf"))
        argv = (str(valkey_server()), settings, "--bind", "127.0.0.1", "--port", str(self.port))
        return Command(argv=argv, env=base_environment(), cwd=self._folder)

    async def is_ready(self) -> bool:
        """Whether it knows its password: another Redis on this port would not."""
        try:
            return await self._ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

    async def flush(self) -> None:
        """Forget everything, as if it had been replaced by a new one. Raises ConnectionError when it does not."""
        answer = await self._ask("FLUSHALL SYNC")
        if answer != b"+OK\r\n":
            raise ConnectionError(f"Valkey does not flush: {answer.decode(errors='replace').strip()}")

    async def _ask(self, question: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"AUTH {self._password}\r\n{question}\r\n".encode())
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                await reader.readline()
                return await reader.readline()
        finally:
            writer.close()
