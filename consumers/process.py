"""How the process of a consumer starts: with its settings, and until it is asked to stop."""

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from infra.process.run import run
from infra.process.runtime import Runtime
from infra.settings.loading import load_settings
from infra.settings.process import ProcessSettings

Settings = TypeVar("Settings", bound=ProcessSettings)


def run_consumer(
    service: str, settings_type: type[Settings], serve: Callable[[Runtime, Settings], Awaitable[None]]
) -> NoReturn:
    """Load the settings and run `serve` until `runtime.stop` is set, as `infra.process.run` says."""
    settings = load_settings(settings_type)

    async def start(runtime: Runtime) -> None:
        await serve(runtime, settings)

    run(service, settings, start)
