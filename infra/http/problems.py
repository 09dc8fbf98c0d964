"""Errors over HTTP: problem+json (https://www.rfc-editor.org/rfc/rfc9457) with a stable `code`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from infra.card_numbers import mask_card_numbers
from infra.errors import Unavailable
from infra.http.wrong_values import what_it_must_be
from infra.postgres.pool import DatabaseUnavailable

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)

_CLIENT_CLOSED_REQUEST = 499  # nginx's; HTTP has no status for it
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1
# PostgreSQL rolled back one of several transactions that stood in each other's way: nothing is wrong with any.
_CONFLICTS = (DeadlockDetected, SerializationFailure, LockNotAvailable)
_DOCUMENTATION = "/docs"
_SAME_KEY = "If the request has an Idempotency-Key, retry it with the same one."
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}


class Problem(Exception):
    """An answer that is an error: `code` is stable and for programs, title and detail are for people."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Unavailable, _on_unavailable)
    for conflict in _CONFLICTS:
        app.add_exception_handler(conflict, _on_conflict)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Render a problem; `request_id` is there when the request context middleware is."""
    body: dict[str, Any] = {
        "type": f"urn:paystream:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }
    if problem.detail is not None:
        body["detail"] = problem.detail
    if context := scope.get("paystream.context"):
        body["request_id"] = context.request_id
    return Response(
        orjson.dumps(body | problem.members, default=str),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def unexpected(method: str) -> Problem:
    """Return the answer for an unforeseen error. It says nothing of the inside."""
    retry = "Ask again." if method in _SAFE else _SAME_KEY
    return Problem(500, "internal_error", "Internal error", f"The error was recorded. {retry}")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.scope)


async def _on_unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    # Not a warning: an outage would make one a request, and the client of the dependency warns by itself.
    log.info(error.code, error=str(error))
    headers = {"Retry-After": str(error.retry_after_s)}
    detail = f"Ask again after {error.retry_after_s} s."
    if request.method not in _SAFE:
        detail = f"Try again after {error.retry_after_s} s. {_SAME_KEY}"
    return problem_response(Problem(503, error.code, error.title, detail, headers), request.scope)


async def _on_conflict(request: Request, error: Exception) -> Response:
    return await _on_unavailable(request, DatabaseUnavailable(str(error).strip()))


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details: Sequence[Mapping[str, Any]] = error.errors()
    said = defaultdict[str, list[str]](list)
    for detail in details:
        said[_field(detail)].append(what_it_must_be(detail))
    errors = [{"field": field, "message": "; or ".join(messages)} for field, messages in said.items()]
    about_body = any(detail["loc"][:1] == ("body",) for detail in details)
    malformed = not about_body or any(detail["type"] == "json_invalid" for detail in details)
    status = HTTPStatus.BAD_REQUEST if malformed else HTTPStatus.UNPROCESSABLE_ENTITY
    summary = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
    problem = Problem(status, "invalid_request", "Invalid request", summary, errors=errors)
    return problem_response(problem, request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, status.phrase.lower().replace(" ", "_"))
    detail = error.detail if error.detail != status.phrase else None
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods_of(request))
        headers = {**(headers or {}), "Allow": allowed}
        detail = f"This path has no {request.method}: it has {allowed}."
    elif status == HTTPStatus.NOT_FOUND:
        is_documented = any(getattr(route, "path", None) == _DOCUMENTATION for route in request.app.router.routes)
        places = f" {_DOCUMENTATION} has the paths of this API." if is_documented else ""
        detail = detail or f"There is nothing at this path.{places}"
    return problem_response(Problem(status, code, status.phrase, detail, headers), request.scope)


def _methods_of(request: Request) -> list[str]:
    """Return the methods of the path. Starlette names those of the first of its routes alone."""
    routes = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in getattr(route, "methods", None) or ()})


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    """Answer a client that is gone: the status is for the log and the metrics, and must not count as our error."""
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _on_unexpected(request: Request, _: Exception) -> Response:
    # Logged by the request context middleware; without it by the server, to which Starlette raises it again.
    return problem_response(unexpected(request.method), request.scope)


def _field(detail: Mapping[str, Any]) -> str:
    # The first part says where: body, query, path, header.
    place, *path = detail["loc"] or ("body",)
    if detail["type"] == "json_invalid" or not path:
        return str(place)
    if place != "body":
        del path[1:]  # which of a parameter's types it was compared with
    return mask_card_numbers(".".join(str(part) for part in path))  # a client may have given the name
