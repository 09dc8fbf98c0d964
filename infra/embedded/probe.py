"""Asks local servers whether they answer; with sockets alone, as an HTTP client takes longer to import than to use."""

import asyncio
import contextlib

_TIMEOUT_S = 3.0


async def accepts(port: int) -> bool:
    """Whether something on 127.0.0.1:`port` accepts a connection."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def http_status(port: int, path: str) -> tuple[int, str]:
    """GET http://127.0.0.1:`port``path`: the status (0: no answer) and the body."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request.encode())
                head, _, body = (await reader.read()).decode(errors="replace").partition("\r\n\r\n")
            finally:
                writer.close()
        return int(head.split(" ", 2)[1]), body
    except (OSError, TimeoutError, IndexError, ValueError):
        return 0, ""
