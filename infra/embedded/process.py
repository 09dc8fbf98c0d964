"""A Paystream process as a component of the stack."""

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.embedded.child_process import Command
from infra.embedded.component import Component
from infra.embedded.environment import python_environment, python_executable
from infra.embedded.errors import StartFailed
from infra.embedded.forked_process import load_fork_server
from infra.embedded.home import Home
from infra.embedded.probe import http_status
from infra.process import declared

# Processes with an HTTP server of their own, health included, and the setting that names its port.
HTTP_PORTS = {
    "command-api": "COMMAND_API_PORT",
    "query-api": "QUERY_API_PORT",
    "back-office": "BACK_OFFICE_PORT",
    "sandbox": "STRIPE_SANDBOX_PORT",
}
_LABELS = {
    "command-api": "Command API",
    "query-api": "Query API",
    "back-office": "Back office",
    "sandbox": "Stripe sandbox",
    "relay": "Relay",
    "projector": "Projector",
}
Layout = Literal["together", "separate"]
"""Whether relay, projector and workers share one process (`paystream worker all`), or have one each."""

_SHUTDOWN_GRACE_MS = 3000
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """A process to run. `arguments` follow the interpreter: ("-m", "infra.cli", "relay")."""

    name: str
    label: str
    arguments: Sequence[str]
    port_variable: str = "HEALTH_PORT"
    """The setting that says where it serves /health."""
    serves: Mapping[str, str] = field(default_factory=dict)
    """The processes that it stands for, by the prefix of the settings that only the one of them has."""

    @property
    def is_module(self) -> bool:
        """Whether it is a module, which the fork server can run."""
        return self.arguments[0] == "-m"


def declared_processes() -> tuple[ProcessSpec, ...]:
    """Return every process and worker that the installed package declares."""
    processes = [
        ProcessSpec(
            name=name,
            label=_LABELS.get(name, name),
            arguments=("-m", "infra.cli", name),
            port_variable=HTTP_PORTS.get(name, "HEALTH_PORT"),
        )
        for name in declared.names(declared.PROCESSES)
    ]
    workers = [
        ProcessSpec(
            name=f"worker-{name}",
            label=f"Worker {name}",
            arguments=("-m", "infra.cli", "worker", name),
        )
        for name in declared.names(declared.WORKERS)
    ]
    return (*processes, *workers)


def processes_of(layout: Layout) -> tuple[ProcessSpec, ...]:
    """Return every process that the installed package declares, or what serves them together."""
    separate = declared_processes()
    if layout == "separate":
        return separate
    serves = {
        declared.settings_prefix(name): name if group == declared.PROCESSES else f"worker-{name}"
        for name, group in declared.served_together().items()
    }
    together = ProcessSpec(
        name=declared.WORKERS_TOGETHER,
        label="Workers",
        arguments=("-m", "infra.cli", "worker", "all"),
        serves=serves,
    )
    return (*(spec for spec in separate if spec.name not in serves.values()), together)


class Process(Component):
    """A Python process that says on /health/ready when it can work."""

    poll_every_s = 0.05  # each time, it checks all that it depends on
    # a second more than the process takes for itself: see infra/process/run.py
    stop_steps = ((signal.SIGTERM, _SHUTDOWN_GRACE_MS / 1000 + 2.0),)

    def __init__(self, spec: ProcessSpec, home: Home, *, port: int, settings: Mapping[str, str]) -> None:
        super().__init__(spec.name, spec.label, home, port=port)
        self.spec = spec
        self.settings = settings
        self._forks = False

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the process."""
        return {
            **python_environment(),
            "APP_ENV": "development",
            "SHUTDOWN_GRACE_MS": str(_SHUTDOWN_GRACE_MS),
            **self.settings,
            self.spec.port_variable: str(self.port),
        }

    def command(self) -> Command:
        """Run it in a folder of the home, so that no `.env` file of the user's adds settings."""
        argv = (python_executable(), *self.spec.arguments)
        return Command(argv=argv, env=self.environment(), cwd=self.home.run, forks=self._forks)

    async def prepare(self) -> None:
        """Wait until there is something to fork it from; it is started from nothing if that fails."""
        self._forks = self.spec.is_module and (server := load_fork_server()) is not None and await server.wait_loaded()

    async def is_ready(self) -> bool:
        """Whether its readiness checks pass."""
        status, _ = await http_status(self.port, "/health/ready")
        return status == _OK

    def failure(self, output: str, exit_code: int | None) -> Exception:
        """Show what the process said about its failure rather than its whole log."""
        reason = next(filter(None, map(_reason, reversed(output.split("\n")))), None)
        if reason is None:
            return super().failure(output, exit_code)
        return StartFailed(f"{self.label} does not start: {reason} (its log: {self.log})", component=self.name)


def _reason(line: str) -> str | None:
    """Return the error in a log line that reports one (event `process_failed`)."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or entry.get("event") != "process_failed":
        return None
    error = str(entry.get("error") or "").strip()
    return error.splitlines()[0] if error else None
