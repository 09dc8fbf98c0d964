"""The context of one HTTP request: its ids, its log line, its metrics, and the answer to an unforeseen error.

Plain ASGI, as the outermost middleware of an application (`app.add_middleware(RequestContextMiddleware)`):
what an endpoint binds to the log context is still there when the request's own line is written.
"""

import re
import time
from dataclasses import dataclass

import structlog
from fastapi import Request
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.card_numbers import text_holds_card_number
from infra.http.browsers import add_security_headers
from infra.http.problems import problem_response, unexpected
from infra.ids import uuid7
from infra.logs import bound_context
from infra.tracing import current_traceparent

log = structlog.get_logger("http")

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "route", "status"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the request's head to the end of the answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

_KEY = "paystream.context"
RATE_LIMIT = "paystream.rate_limit"
"""Where a request's scope has what its response says of the limit of its API key."""
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What the id of a request, or a correlation id, can look like."""
# What marks the work of our own processes (a reconciliation, a command, a poll): no caller's id shall look like it.
_OURS = re.compile(
    r"reconciliation-.*|(?:discrepancy|command|schedule|balance_transactions|payouts|events)-[0-9a-f]{8}-[0-9a-f-]{27}.*",
    re.IGNORECASE,
)
# https://www.w3.org/TR/trace-context/#traceparent-header; ids of zeroes and version ff are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestContext:
    """The ids of a request. The correlation id is the caller's, or else the request's own.

    They are logged and kept with events for good, so what is not well-formed, looks like a card number or like an id of
    our own processes is ignored.
    """

    request_id: str
    correlation_id: str
    traceparent: str | None


def request_context(request: Request) -> RequestContext:
    """FastAPI dependency: the context of this request."""
    context = request.scope[_KEY]
    assert isinstance(context, RequestContext)
    return context


class RequestContextMiddleware:
    """Gives a request its context, logs `http_request` when it ends, answers 500 to what was raised."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request; other ASGI scopes (lifespan) pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = scope[_KEY] = _context_of(Headers(scope=scope))
        started, status = time.perf_counter(), 0

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = context.request_id
                headers["X-Correlation-ID"] = context.correlation_id
                add_security_headers(message["headers"])
                if (grant := scope.get(RATE_LIMIT)) is not None:
                    # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (10)
                    headers["RateLimit-Policy"] = grant.policy
                    headers["RateLimit"] = grant.limit
            await send(message)

        # user_id and payment_id are named so that what an endpoint binds ends with the request.
        with bound_context(
            request_id=context.request_id,
            correlation_id=context.correlation_id,
            user_id=None,
            payment_id=None,
        ):
            try:
                await self._app(scope, receive, send_with_ids)
            except Exception:
                log.exception("unexpected_error", method=scope["method"], path=_route_of(scope))
                if status:
                    # The server cuts the connection: what was sent must not look complete.
                    raise
                await problem_response(unexpected(scope["method"]), scope)(scope, receive, send_with_ids)
            finally:
                _record(scope, status or 500, time.perf_counter() - started)


def _context_of(headers: Headers) -> RequestContext:
    request_id = _valid(WELL_FORMED_ID, headers.get("x-request-id")) or str(uuid7())
    return RequestContext(
        request_id=request_id,
        correlation_id=_valid(WELL_FORMED_ID, headers.get("x-correlation-id")) or request_id,
        traceparent=current_traceparent() or _valid(_TRACEPARENT, headers.get("traceparent")),
    )


def _valid(pattern: re.Pattern[str], value: str | None) -> str | None:
    if value is None or not pattern.fullmatch(value) or _OURS.fullmatch(value) or text_holds_card_number(value):
        return None
    return value


def _record(scope: Scope, status: int, duration_s: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = _route_of(scope)
    REQUESTS.labels(method, route, status).inc()
    DURATION.labels(method, route, status).observe(duration_s)
    write_log = log.debug if route in _PROBES else log.info
    write_log("http_request", method=method, path=route, status=status, duration_ms=round(duration_s * 1000, 2))


def _route_of(scope: Scope) -> str:
    """Return the route's template: raw paths would make a metric per payment, and per guess of a scanner."""
    if scope["path"] in _PROBES:
        return str(scope["path"])
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
