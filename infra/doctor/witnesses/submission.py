"""Asks a server whether it is a witness, with a request that every witness refuses and none remembers.

https://c2sp.org/tlog-witness: what cannot be read as a request is answered with 400.
"""

import asyncio
from http import HTTPStatus

import aiohttp

TIMEOUT_S = 3.0
_PATH = "/add-checkpoint"
_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}


async def unreachable_reason(session: aiohttp.ClientSession, url: str, *, timeout_s: float = TIMEOUT_S) -> str | None:
    """Return why no witness answers at an address, the prefix of its submissions; None: one does."""
    try:
        async with (
            asyncio.timeout(timeout_s),
            session.post(f"{url.rstrip('/')}{_PATH}", data=b"", allow_redirects=False) as response,
        ):
            status = response.status
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except (aiohttp.ClientError, OSError) as error:
        return f"it cannot be reached: {type(error).__name__}"
    return None if status in _REFUSALS else f"it answers {status}, as no witness does"
