"""A process of a module of ours, forked from one that has imported what it needs."""

import shutil
import signal
import tempfile
import weakref
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import orjson

from infra.embedded.forked_process import ForkedProcess, ForkServer
from tests.support.waiting import eventually

_LOOK_AGAIN_S = 0.01
_END_S = 20.0
_OUTPUT, _ERRORS = "output", "errors"


class Forked:
    """Runs until it ends or is told to. What it says is in files, as long as this object is there."""

    def __init__(self, folder: Path, process: ForkedProcess) -> None:
        self._folder = folder
        self._process = process
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @classmethod
    async def start(cls, module: str, *arguments: str, env: Mapping[str, str], cwd: Path) -> Self:
        """Start `python -m MODULE ARGUMENTS` with these variables and no others."""
        assert await ForkServer.get().wait_loaded()
        folder = Path(tempfile.mkdtemp())
        output, errors = folder / _OUTPUT, folder / _ERRORS
        process = ForkedProcess(("-m", module, *arguments), env=env, cwd=cwd, log=output, errors=errors)
        return cls(folder, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """What it has said."""
        return (self._folder / _OUTPUT).read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """What it has said on its error output."""
        return (self._folder / _ERRORS).read_text(encoding="utf-8")

    async def ended(self, within: float) -> int:
        """Wait for its end; return its exit code."""
        await eventually(self._has_ended, within=within, every=_LOOK_AGAIN_S)
        return self._process.wait()

    async def end(self, how: signal.Signals, within: float = _END_S) -> int:
        """Send it a signal, unless it has ended, and return its exit code."""
        self._process.send_signal(how)
        return await self.ended(within)

    async def logged(self, event: str, within: float = 30.0) -> dict[str, Any]:
        """Return the first line of its JSON log with this event; fail when it ends before."""
        return await eventually(partial(self._logged, event), within=within, every=_LOOK_AGAIN_S)

    async def _has_ended(self) -> bool:
        return not self.running

    async def _logged(self, event: str) -> dict[str, Any]:
        running = self.running
        for line in self.output.splitlines(keepends=True):
            entry = orjson.loads(line) if line.endswith("\n") else {}
            if entry.get("event") == event:
                return dict(entry)
        assert running, f"it ended before {event}: {self.errors}"
        return {}
