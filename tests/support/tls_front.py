"""Ends TLS before a server that speaks none, as stunnel does: those of the wheels were built without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.certificates import LOCAL, Certificate

_SSL_REQUEST = (
    b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # https://www.postgresql.org/docs/current/protocol-message-formats.html
)


@dataclass(kw_only=True)
class TlsFront:
    """Where it listens, and what clients showed of themselves."""

    port: int
    subjects: list[str | None] = field(default_factory=list)
    """The common name of each client's certificate."""


@asynccontextmanager
async def tls_front(
    port: int, certificate: Certificate, *, clients_of: Path | None = None, asks_first: bool = False
) -> AsyncIterator[TlsFront]:
    """Run one before the server on a port of this machine.

    `clients_of`: only clients with a certificate of that authority come in. `asks_first`: TLS begins when the client
    asked for it in the clear, as PostgreSQL has it.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients_of)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    front = TlsFront(port=0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):  # ssl.SSLError is an OSError
            if asks_first:
                assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(context)
            front.subjects.append(_common_name(writer.get_extra_info("peercert")))
            behind_reader, behind_writer = await asyncio.open_connection(LOCAL, port)
            await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, LOCAL, 0, ssl=None if asks_first else context)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


def _common_name(certificate: dict[str, object] | None) -> str | None:
    subject = dict(pair for parts in (certificate or {}).get("subject", ()) for pair in parts)  # type: ignore[attr-defined]
    name = subject.get("commonName")
    return None if name is None else str(name)
