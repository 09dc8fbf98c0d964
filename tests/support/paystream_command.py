"""Runs a command of `paystream` in a process of its own, with nothing of this machine's settings."""

import os
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from infra.embedded.forked_process import ForkedProcess, ForkServer
from tests.support.waiting import eventually

_ROOT = Path(__file__).parents[2]
_LOOK_AGAIN_S = 0.01


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
    """Run `paystream ARGUMENTS` until it ends by itself; no settings but these.

    It is forked from a process that has imported what it needs, which saves a second of processor time.
    """
    assert await ForkServer.get().wait_loaded()
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = ForkedProcess(
            ("-m", "infra.cli", *arguments), env=environment_of(settings), cwd=cwd, log=output, errors=errors
        )
        try:
            await eventually(lambda: _has_ended(process), within=within, every=_LOOK_AGAIN_S)
        finally:
            process.send_signal(signal.SIGKILL)
        return Ended(code=process.wait(), output=_text_of(output), errors=_text_of(errors))


async def _has_ended(process: ForkedProcess) -> bool:
    return process.poll() is not None


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
