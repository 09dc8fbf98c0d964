"""What a running process hands to its parts."""

import asyncio
from dataclasses import dataclass

from infra.process.health import Health
from infra.settings.process import ProcessSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """`stop` is set once, on SIGTERM or SIGINT: finish what is in flight, take nothing new, return."""

    service: str
    settings: ProcessSettings
    stop: asyncio.Event
    health: Health
