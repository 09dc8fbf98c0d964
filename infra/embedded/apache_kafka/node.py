"""One node of Apache Kafka: a broker and a controller in one Java process, its data in a folder of the home."""

import os
import shutil
import signal
from pathlib import Path

from infra.embedded.apache_kafka.config import CLUSTER_ID, KEYSTORE, TRUSTSTORE, NodeConfig
from infra.embedded.apache_kafka.jars import SERVER, ensure_jars
from infra.embedded.apache_kafka.java import find_java
from infra.embedded.child_process import ChildProcess, Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment
from infra.embedded.home import Home
from infra.embedded.probe import accepts
from infra.embedded.reports import Reporter, silent

_HEAP_MB = 256
_HEAP_OF_SEVERAL_MB = 160
_FORMAT_WITHIN_S = 60.0
_DATA = "data"


class KafkaNode(Component):
    """A real Kafka broker on 127.0.0.1. What it holds survives SIGKILL and a restart, until `forget`."""

    ready_within_s = 90.0  # 2 s alone; three at once on a machine that is busy otherwise take long
    poll_every_s = 0.05

    def __init__(self, name: str, label: str, home: Home, *, config: NodeConfig, report: Reporter = silent) -> None:
        super().__init__(name, label, home, port=config.ports.client)
        # It hands its partitions over in 0.3 s; the last node of several cannot, and would try for minutes.
        self.stop_steps = ((signal.SIGTERM, 3.0 if len(config.nodes) > 1 else 10.0),)
        self._config = config
        self._report = report
        self._java = Path()
        self._jars = Path()

    @property
    def folder(self) -> Path:
        """Where its configuration and its data are."""
        return self.home.path / self.name

    async def prepare(self) -> None:
        """Fetch the programs, write the configuration, and format the storage when there is none."""
        self._java = find_java()
        self._jars = await ensure_jars(self._report)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._write("server.properties", self._config.properties(data=_DATA))
        if self._config.tls is not None:
            tls = self._config.tls
            self._write(KEYSTORE, tls.broker_key.read_text() + tls.broker_certificate.read_text())
            self._write(TRUSTSTORE, tls.ca.read_text())
        if not (self.folder / _DATA).exists():
            await self._format()

    def command(self) -> Command:
        """Run it in the foreground, in its own folder."""
        return self._java_command("kafka.Kafka", "server.properties")

    async def is_ready(self) -> bool:
        """Whether it listens for clients: it does so only when the controller has let it in."""
        return await accepts(self.port)

    def failure(self, output: str, exit_code: int | None) -> Exception:
        """Show what Java said, without the places in its code where it said so."""
        said = [line for line in output.splitlines() if not line.lstrip().startswith("at ")]
        return super().failure("\n".join(said), exit_code)

    def forget(self) -> None:
        """Delete what it holds. It must not run; the next start finds nothing: no topics, no offsets."""
        assert not self.running, "stop it first"
        shutil.rmtree(self.folder / _DATA, ignore_errors=True)

    async def _format(self) -> None:
        """Make the storage under another name first: a start that is cut short leaves no half of it."""
        new = self.folder / f"{_DATA}.new"
        shutil.rmtree(new, ignore_errors=True)
        self._write("format.properties", self._config.properties(data=new.name))
        arguments = ("format", "--cluster-id", CLUSTER_ID, "--config", "format.properties")
        command = self._java_command("kafka.tools.StorageTool", *arguments)
        child = ChildProcess(command, log=self.log, pid_file=self.home.run / f"{self.name}-format.pid")
        try:
            ended = await child.ended(_FORMAT_WITHIN_S)
            if child.exit_code != 0:
                raise self.failure(child.output(), child.exit_code if ended else None)
        finally:
            child.kill()
        new.rename(self.folder / _DATA)

    def _java_command(self, program: str, *arguments: str) -> Command:
        heap_mb = _HEAP_MB if len(self._config.nodes) == 1 else _HEAP_OF_SEVERAL_MB
        argv = (
            *(str(self._java), "-Xms32m", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            "-XX:TieredStopAtLevel=1",  # half a second and 100 MB less at start than with the optimizing compiler
            *(f"-Dlog4j2.configurationFile={SERVER / 'log4j2.properties'}", "-cp", f"{self._jars}/*"),
            *(program, *arguments),
        )
        return Command(argv=argv, env=base_environment(), cwd=self.folder)

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
