"""HEAD of every route of an application that has GET."""

from collections.abc import Iterator, Mapping

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

_IDS = {"X-Request-ID": "r1"}
_VALUES = {"dead_letter_id": "7", "subject": "42"}
_ANY = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"


async def check_head_of_every_route(app: FastAPI, client: httpx.AsyncClient) -> int:
    """See that it answers as GET does, but for a body; return how many routes they are."""
    count = 0
    for address in _addresses(app.routes):
        got, head = await client.get(address, headers=_IDS), await client.head(address, headers=_IDS)
        assert (address, head.status_code, _kept(head)) == (address, got.status_code, _kept(got))
        count += 1
    return count


def _addresses(routes: list[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()):
            values = {name: _VALUES.get(name, _ANY) for name in route.param_convertors}
            yield route.path_format.format(**values)


def _kept(answer: httpx.Response) -> Mapping[str, str]:
    """Return the headers but for those of what counts the requests themselves."""
    varying = {"content-length"} if answer.request.url.path == "/metrics" else set()
    return {name: value for name, value in answer.headers.items() if name not in varying}
