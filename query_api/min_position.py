"""The position that a read has to have reached: by itself, or in a token that names its cell."""

from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.http.position_tokens import POSITION_TOKEN, PositionToken, parse_position_token, position_token
from infra.http.problems import Problem
from query_api.parameters import Position, ReadParameters

OTHER_CELL = "position_of_another_cell"


async def _of_headers(
    request: Request,
    min_position: Annotated[
        Position | None,
        Header(alias="Paystream-Min-Position", description="Like `min_position`; the larger holds."),
    ] = None,
    token: Annotated[
        PositionToken | None,
        Header(
            alias=POSITION_TOKEN,
            description="Like `min_position`, as an answer gave it: where there are cells, it names the one whose "
            "log the position is of, and another cell refuses it. The largest holds.",
        ),
    ] = None,
) -> int:
    """Return the position of the request's headers; 0 asks for none. Raises Problem for a token of another cell."""
    position = min_position or 0
    if token is None:
        return position
    cell, of_token = parse_position_token(token)
    if cell != request.app.state.cell:
        raise _of_another_cell(cell, request.app.state.cell)
    return max(position, of_token)


MinPosition = Annotated[int, Depends(_of_headers)]


def larger(parameters: ReadParameters, header: int) -> int:
    """Return the position to wait for; 0 asks for none."""
    return max(parameters.min_position or 0, header)


class PositionTokens:
    """Says beside each position that an answer reflects which cell's it is."""

    def __init__(self, app: ASGIApp, cell: str) -> None:
        self._app = app
        self._cell = cell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on everything; answers with a position get its token."""

        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if (position := headers.get("Paystream-Position")) is not None:
                    headers[POSITION_TOKEN] = position_token(self._cell, int(position))
            await send(message)

        await self._app(scope, receive, send_with_token if scope["type"] == "http" else send)


def _of_another_cell(cell: str, own: str | None) -> Problem:
    here = "which has no name" if own is None else f"which is {own}"
    return Problem(
        400,
        OTHER_CELL,
        "The position is of another cell",
        f"{POSITION_TOKEN} names a position in the log of the cell {cell}, and the request came to a cell {here}. "
        "Send it with the API key that the position was given to.",
        cell=cell,
    )
