"""A PostgreSQL of the system, which was built with TLS: Debian's package `postgresql`."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.ports import free_port
from infra.embedded.privileges import RunAs, unprivileged
from tests.support.certificates import LOCAL, Certificate
from tests.support.prepared_home import new_data_folder
from tests.support.waiting import eventually

USER = "owner"


def programs() -> Path | None:
    """Return the folder of its programs; None when it is not on this machine."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name), default=None)


@asynccontextmanager
async def tls_postgres(certificate: Certificate, clients_of: Path) -> AsyncIterator[int]:
    """Run a server that takes TLS alone, from clients with a certificate; yield its port. There must be one."""
    folder, port, found = new_data_folder(), free_port(), programs()
    assert found is not None
    run_as = unprivileged(folder, signal.SIGKILL)
    data = folder / "tls"
    for source, name in (
        (certificate.certificate, "server.pem"),
        (certificate.key, "server.key"),
        (clients_of, "ca.pem"),
    ):
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o600)
    for each in (folder, *folder.iterdir()):
        if run_as is not None:
            os.chown(each, run_as.uid, run_as.gid)
    await _run([str(found / "initdb"), "-D", str(data), "-U", USER, "--auth=trust", "--no-sync"], run_as, folder)
    with (data / "pg_hba.conf").open("w", encoding="utf-8") as rules:
        rules.write(f"hostssl all all {LOCAL}/32 trust clientcert=verify-ca\n")
    settings = {
        "ssl": "on",
        "ssl_cert_file": folder / "server.pem",
        "ssl_key_file": folder / "server.key",
        "ssl_ca_file": folder / "ca.pem",
        "port": port,
        "listen_addresses": LOCAL,
        "unix_socket_directories": "",
        "fsync": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = await _start([str(found / "postgres"), "-D", str(data), *options], run_as, folder)
    try:
        ready = [str(found / "pg_isready"), "--host", LOCAL, "--port", str(port)]
        await eventually(lambda: _succeeds(ready, run_as, folder))
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        await server.wait()


async def _start(command: Sequence[str], run_as: RunAs | None, folder: Path) -> asyncio.subprocess.Process:
    changed = run_as is not None and not run_as.prefix
    return await asyncio.create_subprocess_exec(
        *(run_as.prefix if run_as else ()),
        *command,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        user=run_as.uid if run_as and changed else None,
        group=run_as.gid if run_as and changed else None,
    )


async def _run(command: Sequence[str], run_as: RunAs | None, folder: Path) -> None:
    assert await _succeeds(command, run_as, folder), command[0]


async def _succeeds(command: Sequence[str], run_as: RunAs | None, folder: Path) -> bool:
    return await (await _start(command, run_as, folder)).wait() == 0
