"""What a process serves: a name for its logs, its settings, and the work that lasts until it is asked to stop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from infra.process.runtime import Runtime
from infra.settings.process import ProcessSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A service runs in a process of its own (`infra.process.run`) or beside others (`infra.process.run_together`)."""

    name: str
    """The `service` of its log lines."""
    settings: type[ProcessSettings]
    serve: Callable[[Runtime, Any], Awaitable[None]]
    """Gets an instance of `settings`, and returns once `runtime.stop` is set. What it raises is its failure."""
    serves_http: bool = False
    """Whether it answers /health and /metrics itself, beside what else it answers."""
