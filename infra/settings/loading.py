"""Reads settings, and says which variables are missing or wrong without ever showing a value."""

import sys
from typing import TypeVar, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from infra.settings.fallback import fallback
from infra.validation import message_of

_HINT = "Settings are described in .env.example; `make run` needs none."

S = TypeVar("S", bound=BaseSettings)


def load_settings(cls: type[S], *, prefix: str = "") -> S:
    """Read the settings, or print one line per missing or wrong variable to stderr and exit with code 2.

    The lines never hold a value: it may be a secret. `prefix` as for `read_settings`.
    """
    try:
        return read_settings(cls, prefix=prefix)
    except ValidationError as error:
        for line in explain(error):
            print(f"{prefix}{line}" if prefix else line, file=sys.stderr)  # noqa: T201 - logging does not exist yet
        if any(detail["type"] == "missing" for detail in error.errors(include_input=False)):
            print(_HINT, file=sys.stderr)  # noqa: T201 - the same
            if hint := fallback().hint:
                print(hint, file=sys.stderr)  # noqa: T201 - the same
    raise SystemExit(2)


def read_settings(cls: type[S], *, prefix: str = "") -> S:
    """Read the settings: the environment first, then `.env`, then what a command falls back on.

    With a `prefix`, a variable whose name begins so comes before the one without it: for a service that shares its
    process with others. Raises pydantic's ValidationError.
    """
    found = fallback().variables
    if not found and not prefix:
        return cls()
    given = {name.lower(): value for name, value in found.items()}

    def sources(
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        **_: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        own = (
            (EnvSettingsSource(settings_cls, env_prefix=prefix), DotEnvSettingsSource(settings_cls, env_prefix=prefix))
            if prefix
            else ()
        )
        return init_settings, *own, env_settings, dotenv_settings, InitSettingsSource(settings_cls, given)

    members = {"settings_customise_sources": staticmethod(sources), "__module__": __name__}
    return cast("type[S]", type(cls.__name__, (cls,), members))()


def explain(error: ValidationError) -> list[str]:
    """Return one line per missing or wrong variable, sorted; never a value, which may be a secret."""
    return sorted(map(_explain, error.errors(include_input=False, include_url=False, include_context=False)))


def _explain(detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return message_of(detail)  # of several variables, which it names itself
    name, *rest = detail["loc"]
    variable = str(name).upper()
    if detail["type"] == "missing" and not rest:
        return f"{variable} is not set"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    message = message_of(detail)
    return f"{variable}{where}: {message[:1].lower()}{message[1:]}"
