"""What the pages of the control panel share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.errors import BAD_REQUEST, CONFLICT, NOT_FOUND
from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.operation import OK, World
from infra.stripe_sandbox.transitions import settle_due
from infra.validation import message_of

B = TypeVar("B", bound=BaseModel)


class Body(BaseModel):
    """What a page takes; members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RefusedError(Exception):
    """A page cannot do what was requested; `status` and the text are its answer."""

    def __init__(self, message: str, status: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


def unknown(what: str) -> RefusedError:
    """Return the answer for an id that does not exist."""
    return RefusedError(f"no such {what}", NOT_FOUND)


def impossible(reason: str) -> RefusedError:
    """Return the refusal of a step that an object's state does not allow."""
    return RefusedError(reason, CONFLICT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What every page works on."""

    world: World
    commits: Commits

    def page(self, answer: Callable[[Request], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that answers with the JSON, once everything that it tells is committed.

        What is due moves before.
        """

        async def endpoint(request: Request) -> Response:
            try:
                settle_due(self.world)
                answered = await answer(request)
                await self.commits.done()
            except RefusedError as error:
                return error_response(error.status, str(error))
            return json_response(orjson.dumps(answered))

        return endpoint


async def parsed(request: Request, model: type[B]) -> B:
    """Return the JSON object that was sent. Raises RefusedError when it is not what the page takes."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {message_of(each)}" for each in error.errors())
        raise RefusedError(wrong) from error


async def json_body(request: Request) -> dict[str, object]:
    """Return the JSON object that was sent, or an empty one."""
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def json_response(encoded: bytes, status: int = OK) -> Response:
    """Return a JSON answer."""
    return Response(encoded, status_code=status, media_type="application/json")


def error_response(status: int, message: str) -> Response:
    """Return a refusal with a sentence for the caller."""
    return json_response(orjson.dumps({"error": message}), status)
