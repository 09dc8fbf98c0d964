"""Runs a command of `paystream` in a process of its own, with nothing of this machine's settings."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

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


async def paystream(*arguments: str, cwd: Path, settings: Mapping[str, object], within: float = 40.0) -> Ended:
    """Run `paystream ARGUMENTS` until it ends by itself; no settings but these."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", *arguments),
        cwd=cwd,
        env=environment_of(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(code=process.returncode, output=output.decode(), errors=errors.decode())


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
