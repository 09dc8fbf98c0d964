"""A Prometheus beside the stack, where the machine has one: it asks every process, with the rules of production.

Debian has it: `apt-get install prometheus`. Without it the stack is whole, only unwatched.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import orjson

from infra.embedded.child_process import Command
from infra.embedded.component import Component
from infra.embedded.environment import base_environment, user_cache
from infra.embedded.errors import PackagesMissing
from infra.embedded.home import Home
from infra.embedded.probe import http_status

RULES = Path(__file__).parents[1] / "deploy" / "prometheus"
UNPACKED = Path("paystream", "prometheus")
"""Below the user's cache: where its programs are when they are not installed."""
_KEPT_FOR = "7d"
_OK = 200


def find_program(name: str) -> Path | None:
    """Return where `prometheus`, `promtool` or `amtool` is, if this machine has it."""
    unpacked = user_cache() / UNPACKED / name
    found = shutil.which(name) or (str(unpacked) if os.access(unpacked, os.X_OK) else None)
    return None if found is None else Path(found)


class PrometheusServer(Component):
    """A Prometheus on 127.0.0.1 that asks `targets`: addresses by the name of a process."""

    def __init__(self, home: Home, *, port: int, targets: Mapping[str, str], every_s: int = 5) -> None:
        super().__init__("prometheus", "Prometheus", home, port=port)
        self._targets = dict(targets)
        self._every_s = every_s

    @property
    def _folder(self) -> Path:
        return self.home.path / "prometheus"

    @property
    def _config(self) -> Path:
        return self._folder / "prometheus.json"

    async def prepare(self) -> None:
        """Write the configuration. JSON is YAML, so no path needs quoting."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._config.write_bytes(orjson.dumps(self._settings(), option=orjson.OPT_INDENT_2))

    def command(self) -> Command:
        """Run it in the foreground; it keeps what it learned for a week. Raises PackagesMissing."""
        program = find_program("prometheus")
        if program is None:
            raise PackagesMissing("Prometheus is not on this machine. Remedy, on Debian: apt-get install prometheus")
        argv = (
            str(program),
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={_KEPT_FOR}",
            f"--web.listen-address={self.address}",
            "--log.level=warn",
        )
        return Command(argv=argv, env=base_environment(), cwd=self._folder)

    async def is_ready(self) -> bool:
        """Whether it takes queries."""
        status, _ = await http_status(self.port, "/-/ready")
        return status == _OK

    def _settings(self) -> Mapping[str, object]:
        every = f"{self._every_s}s"
        return {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [str(RULES / "*.rules.yml")],
            "scrape_configs": [
                {
                    "job_name": "paystream",
                    "static_configs": [
                        {"targets": [address], "labels": {"job": f"paystream-{name}"}}
                        for name, address in self._targets.items()
                    ],
                }
            ],
        }
