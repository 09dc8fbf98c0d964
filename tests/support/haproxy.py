"""The proxy before two cells, with the configuration that the package has: Debian's package `haproxy`."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import infra.deploy
from infra.embedded.ports import free_port
from tests.support.system import System
from tests.support.waiting import eventually

CONFIGURATION = Path(infra.deploy.__file__).parent / "cells" / "haproxy.cfg"


@dataclass(frozen=True, kw_only=True)
class Front:
    """Where it answers."""

    command_api: str
    query_api: str


def lacking() -> str | None:
    """Return why nothing can be tested with it on this machine; None when it can."""
    return None if _program() else "there is no haproxy: apt-get install haproxy"


@asynccontextmanager
async def haproxy(folder: Path, cells: Mapping[str, System], *, keys: str, hosts: str) -> AsyncIterator[Front]:
    """Run it before cells, by their names; `keys` and `hosts` are its maps."""
    program, ports = _program(), (free_port(), free_port())
    assert program is not None
    _write(folder, {"keys.map": keys, "hosts.map": hosts})
    environment = {
        "PATH": os.environ["PATH"],
        "COMMAND_API": f"127.0.0.1:{ports[0]}",
        "QUERY_API": f"127.0.0.1:{ports[1]}",
        "KEYS_MAP": str(folder / "keys.map"),
        "HOSTS_MAP": str(folder / "hosts.map"),
    }
    for name, system in cells.items():
        for api in ("command-api", "query-api"):
            address = system.stack.component(api).address
            environment[f"CELL_{name}_{api}".upper().replace("-", "_")] = address
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(program, "-f", CONFIGURATION, "-db"), env=environment, stdout=log, stderr=log
        )
    try:
        await eventually(lambda: _accepts(ports[1]), lambda accepts: accepts or process.returncode is not None)
        assert process.returncode is None, f"it has ended: {folder / 'log'}"
        yield Front(command_api=f"http://127.0.0.1:{ports[0]}", query_api=f"http://127.0.0.1:{ports[1]}")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)


def _program() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
