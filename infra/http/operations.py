"""Endpoints with which operators act on the system over HTTP: the same functions as the commands of `paystream`.

A part declares them in a module `http.py` beside its `cli.py`, and names the router in the entry-point group
`paystream.operations` (pyproject.toml). The command API serves all that the installed package declares, without
importing any of the parts; what it lends them is an `Operations`, as `app.state.operations`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final, Generic, Protocol, TypeVar

import orjson
import psycopg
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from infra.access.principal import Principal, Scope
from infra.errors import InfraError, Unavailable
from infra.http.auth import authenticated
from infra.http.openapi import RATE_LIMITED, described_errors, reference
from infra.http.problems import Problem
from infra.http.query_string import refuse_repeats
from infra.postgres.pool import Connection, DatabaseUnavailable, Pool

GROUP = "paystream.operations"

READ: Final = "admin:read"
WRITE: Final = "admin:write"
"""The scopes of these endpoints, but for those of finance."""

_MAX_NAME_CHARS = 64
_MAX_ERRORS = 20

Model = TypeVar("Model", bound=BaseModel)


class BodyReader(Protocol):
    """Reads and checks a JSON body."""

    def __call__(self, request: Request, model: type[Model], /) -> Awaitable[Model]:
        """Return it. Raises Problem or RequestValidationError."""


_ACTOR = [
    {
        "name": "Paystream-Actor",
        "in": "header",
        "required": False,
        "description": "Which of your people acts: the events then have the actor `api:<key id>/<name>`. Only from a "
        "key with the scope `actor:set`.",
        "schema": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._@+-]{0,63}$"},
        "example": "anna",
    }
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit that is in force in a process: the setting that gives it (None: it is fixed), and what it bounds."""

    setting: str | None
    value: int
    unit: str
    text: str


class AccessNotConfigured(InfraError):
    """There is no login here that may change merchants and API keys."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class AccessLogin:
    """The login that may change merchants and API keys, which the pool's may not."""

    database_url: str
    is_production: bool
    """Which kind of keys it makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """What the application lends to these endpoints."""

    pool: Pool
    timeout_s: float
    read_body: BodyReader
    actor_of: Callable[[Request, Principal], str]
    problem_of: Callable[[InfraError], Problem]
    """Of what an operation refuses."""
    kafka_topic_partitions: int
    """Of each topic of events: says in which one an event is."""
    access: AccessLogin | None = None
    """None: merchants and keys are shown, and not changed."""
    limits: Sequence[Limit] = ()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for one operation; what the operation refuses is a problem. Raises Problem."""
        async with self._bounded(), self.pool.connection() as conn:
            yield conn

    @asynccontextmanager
    async def access_connection(self) -> AsyncIterator[Connection]:
        """Lend one of the login that may change merchants and keys: each its own, as they are rare. Raises Problem."""
        async with self._bounded(), await self._connected(self.access_login) as conn:
            yield conn

    @property
    def access_login(self) -> AccessLogin:
        """The login that may change merchants and keys. Raises AccessNotConfigured."""
        if self.access is None:
            raise AccessNotConfigured(
                "This command API has no ACCESS_DATABASE_URL: use paystream merchants and paystream keys."
            )
        return self.access

    async def _connected(self, login: AccessLogin) -> Connection:
        try:
            return await psycopg.AsyncConnection.connect(login.database_url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(f"the event store cannot be reached: {type(error).__name__}") from None

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout_s):
                yield
        except TimeoutError:
            raise DatabaseUnavailable(f"the database did not answer within {self.timeout_s:g} s") from None
        except Unavailable:
            raise
        except InfraError as error:
            raise self.problem_of(error) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Who calls, allowed to do so: `actor` as events have it."""

    actor: str
    scopes: frozenset[str]
    """Of the key."""
    operations: Operations


def declared_routers() -> list[APIRouter]:
    """Return what the installed package declares, in the order of the names."""
    return [entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]


async def operator_of(request: Request, scope: Scope, *, lists: Collection[str] = ()) -> Operator:
    """Return who calls; `lists`: parameters that may be repeated. Raises Problem: 401, 403 without the scope, 429."""
    principal = await authenticated(scope)(request, None)
    refuse_repeats(request, besides=lists)
    _refuse_unknown_parameters(request)
    operations = request.app.state.operations
    assert isinstance(operations, Operations)
    actor = operations.actor_of(request, principal)
    return Operator(actor=actor, scopes=principal.scopes, operations=operations)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorCall(Generic[Model]):
    """One operation that is to be carried out: by whom, with what, and where."""

    actor: str
    body: Model
    conn: Connection


@asynccontextmanager
async def operation_of(request: Request, scope: Scope, model: type[Model]) -> AsyncIterator[OperatorCall[Model]]:
    """Check who calls, read the body, and lend a connection. Raises as `operator_of`, `read_body` and `connection`."""
    operator = await operator_of(request, scope)
    body = await operator.operations.read_body(request, model)
    async with operator.operations.connection() as conn:
        yield OperatorCall(actor=operator.actor, body=body, conn=conn)


def _refuse_unknown_parameters(request: Request) -> None:
    """Raise RequestValidationError for an unknown parameter: a misspelt filter must not become no filter."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    details = [
        {"type": "parameter", "loc": ("query", name[:_MAX_NAME_CHARS]), "msg": "is not a known parameter"}
        for name in request.query_params
        if name not in known
    ]
    if details:
        raise RequestValidationError(details[:_MAX_ERRORS])


def answer(body: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a JSON answer, which is not kept by anybody on the way."""
    content = orjson.dumps(body)
    headers = {"Cache-Control": "no-store"}
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def documented(
    model: type[BaseModel],
    scope: Scope,
    *,
    body: type[BaseModel] | None = None,
    body_required: bool = True,
    one: bool = False,
    description: str = "Found",
    status: int = 200,
    more_errors: Mapping[int, dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of a route; `one`: its path may name nothing."""
    errors: dict[int, dict[str, str]] = {
        400: {"invalid_request": "A parameter is unknown, or the body is not JSON"},
        401: {"unauthenticated": "No API key, or an unknown one"},
        403: {"forbidden": f"The API key lacks the scope {scope}"},
        429: RATE_LIMITED,
        503: {"database_unavailable": "The database cannot be reached; ask again"},
    }
    if one:
        errors[404] = {"not_found": "There is none of that id"}
    extra: dict[str, Any] = {"security": [{"ApiKey": []}], "parameters": _ACTOR if scope.endswith(":write") else []}
    if scope.endswith(":write"):
        errors[400]["card_number_refused"] = "A card number was sent"
    if body is not None:
        errors[409] = {
            "operation_refused": "It cannot be done, or must not; `detail` says why, and nothing was changed"
        }
        errors[413] = {"body_too_large": "The body is too large"}
        errors[415] = {"unsupported_media_type": "The body is not declared as JSON in UTF-8"}
        errors[422] = {"invalid_request": "A field is missing, unknown or not valid; `errors` says which"}
        content = {"application/json": {"schema": reference(body.__name__)}}
        extra["requestBody"] = {"required": body_required, "content": content}
    responses = {
        status: {"model": model, "description": description},
        **described_errors(errors | dict(more_errors or {})),
    }
    return {"response_model": None, "status_code": status, "responses": responses, "openapi_extra": extra}
