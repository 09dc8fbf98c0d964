"""Runs a command of `paystream` in a process of its own, with nothing of this machine's settings."""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from tests.support.forked import Forked

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How it ended and what it said."""

    code: int
    output: str
    errors: str


def environment_of(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the environment of a process with these settings, by their names, and no others."""
    variables = {name.upper(): _text(value) for name, value in settings.items() if value is not None}
    return {"PYTHONPATH": str(_ROOT), "PATH": os.environ["PATH"], **variables}


async def paystream(*arguments: str, settings: Mapping[str, object], cwd: Path = _ROOT, within: float = 40.0) -> Ended:
    """Run `paystream ARGUMENTS` until it ends by itself; no settings but these."""
    process = await Forked.start("infra.cli", *arguments, env=environment_of(settings), cwd=cwd)
    try:
        code = await process.ended(within)
    finally:
        await process.end(signal.SIGKILL)
    return Ended(code=code, output=process.output, errors=process.errors)


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
