"""HEAD wherever there is GET, with the same status and headers, and no body (RFC 9110, section 9.3.2).

The endpoint runs as it does for GET; what streams its answer is left as soon as it has begun one.
"""

import copy
from collections.abc import Iterable, Iterator

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def head_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield a route for HEAD for each of FastAPI's that have GET. They are in no OpenAPI document."""
    for route in routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            answering = copy.copy(route)
            answering.methods = {"HEAD"}
            answering.include_in_schema = False
            answering.app = _WithoutBody(route.app)
            yield answering


class _AnswerBegan(Exception):
    """The headers were sent: there is nothing more to do."""


class _WithoutBody:
    """ASGI application that ends another one's answer after its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_headers(message: Message) -> None:
            await send(message)
            await send({"type": "http.response.body", "body": b""})
            raise _AnswerBegan

        try:
            await self._app(scope, receive, send_headers)
        except _AnswerBegan:
            return
