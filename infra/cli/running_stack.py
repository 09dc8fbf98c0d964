"""Finds the stack of a running `make run` for the commands: they need no settings then.

Explicit settings win: as soon as the environment or `.env` says where anything is, all of it comes from there. With
APP_ENV=production nothing is ever found.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from infra.cli.settings import HomeSettings
from infra.embedded.errors import EmbeddedError
from infra.embedded.running import environments, folder_problem, is_running
from infra.settings.fallback import Fallback
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import explain
from infra.settings.postgres import DatabaseSettings, MigrationSettings, ReadDatabaseSettings
from infra.settings.process import ProcessSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings

_PLACES: Sequence[tuple[type[ProcessSettings], str]] = (
    (DatabaseSettings, "DATABASE_URL"),
    (ReadDatabaseSettings, "READ_DATABASE_URL"),
    (MigrationSettings, "MIGRATION_DATABASE_URL"),
    (RedisSettings, "REDIS_URL"),
    (KafkaSettings, "KAFKA_BOOTSTRAP_SERVERS"),
    (StripeSettings, "STRIPE_SECRET_KEY"),
)


def home() -> Path:
    """Return the folder of the embedded stack. A wrong setting is reported later, with the others."""
    try:
        return HomeSettings().paystream_home
    except ValidationError:
        return Path(HomeSettings.model_fields["paystream_home"].default)


def set_places() -> list[str]:
    """Return the variables that the environment or .env has and that say where something is."""
    return [variable for cls, variable in _PLACES if _is_set(cls, variable)]


def stands_in() -> bool:
    """Whether the running stack is used: no setting names anything else, and this is not production."""
    try:
        production = ProcessSettings().app_env == "production"
    except ValidationError:
        return False
    return not production and not set_places() and is_running(home())


def find(processes: Sequence[str]) -> Fallback:
    """Return the settings of these processes of the running stack, and say on stderr that it is used."""
    path = home()
    if not stands_in():
        return Fallback(hint=_hint(path))
    try:
        found = environments(path, list(processes))
    except EmbeddedError as error:
        return Fallback(hint=str(error))
    print(f"Using the stack that runs on {path.absolute()}.", file=sys.stderr)
    variables: dict[str, str] = {}
    for name in reversed(processes):
        variables |= found[name]
    return Fallback(variables=variables)


def _hint(path: Path) -> str | None:
    if reason := folder_problem(path):
        return reason
    if not is_running(path):
        return "A running `make run` is found in the folder that PAYSTREAM_HOME names, by default .paystream here."
    if places := set_places():
        return f"A `make run` is running here; it is not used, since {', '.join(places)} is set."
    return "A `make run` is running here; it is not used, since APP_ENV is not development or test."


def _is_set(cls: type[ProcessSettings], variable: str) -> bool:
    try:
        cls()
    except ValidationError as error:
        return f"{variable} is not set" not in explain(error)
    return True
