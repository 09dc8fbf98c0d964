"""One command over HTTP, from the request to the response: what all routes of commands share."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from command_api.commands.client_operation import ClientOperation
from command_api.commands.executor import CommandExecutor, CommandRequest, CommandResult
from command_api.commands.waiter import StreamWaiter
from command_api.errors import CommandError, problem_of
from command_api.headers import ACTOR_HEADER, read_actor, read_idempotency_key, read_wait_preference
from command_api.request_body import read_body
from domain.errors import DomainError
from domain.ids import MerchantId
from infra.access.principal import Principal
from infra.errors import Unavailable
from infra.http.context import request_context
from infra.http.position_tokens import POSITION_TOKEN, position_token
from infra.http.problems import Problem
from infra.ids import uuid7
from infra.logs import bind_context
from schemas.envelope import EventMetadata

log = structlog.get_logger(__name__)

Model = TypeVar("Model", bound=BaseModel)

_KEY = "Idempotency-Key"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandService:
    """What the routes work with; an application keeps one for each kind of aggregate: `app.state.payments`, ..."""

    executor: CommandExecutor
    waiter: StreamWaiter
    max_wait_s: int
    expires_in_s: int = 24 * 3600
    """For charges whose client does not set it."""
    card_number_exempt: frozenset[str] = frozenset()
    """Paths of a body's members, and `Idempotency-Key`, that may look like a card number."""
    cell: str | None = None
    """Named beside positions."""

    async def handle(
        self,
        request: Request,
        principal: Principal,
        model: type[Model],
        operation_of: Callable[[Model, str], ClientOperation],
        subject_id: UUID | None = None,
    ) -> Response:
        """Carry out the operation that `operation_of(body, idempotency key)` returns, and return the response.

        With `subject_id` None the operation opens a stream of its own. Raises Problem or RequestValidationError;
        nothing is recorded then, or the problem says that it may be.
        """
        started = time.monotonic()
        try:
            keys = request.headers.getlist("idempotency-key")
            key = read_idempotency_key(keys, is_exempt=_KEY in self.card_number_exempt) or str(uuid7())
            actor = read_actor(request.headers.getlist(ACTOR_HEADER), principal)
            body = await read_body(request, model, exempt=self.card_number_exempt)
        except CommandError as error:
            raise problem_of(error) from error
        parsed = body.parsed
        if getattr(parsed, "expires_in_seconds", 0) is None:  # of a charge, whose client did not set it
            parsed = parsed.model_copy(update={"expires_in_seconds": self.expires_in_s})
        operation = operation_of(parsed, key)
        bind_context(**operation.log_ids)
        command = CommandRequest(
            operation=operation,
            opens_stream=subject_id is None,
            merchant_id=MerchantId(principal.merchant_id),
            idempotency_key=key,
            fingerprint=_fingerprint(request, subject_id, body.canonical),
            metadata=_metadata(request, principal, actor),
        )
        try:
            result = await self.executor.execute(command)
        except (CommandError, DomainError, Unavailable) as error:
            raise _problem(error, key) from error
        bind_context(**result.operation.log_ids)  # a replay's is the original's
        wait_s = read_wait_preference(request.headers.getlist("prefer"), self.max_wait_s)
        if wait_s is not None:
            result = await self._wait_for_outcome(result, wait_s - (time.monotonic() - started))
        return _response(result, key, wait_s, self.cell)

    async def _wait_for_outcome(self, result: CommandResult, timeout_s: float) -> CommandResult:
        """Wait for Stripe's outcome; the result is then the aggregate's present state, also for a replay."""
        if result.has_outcome:
            return result
        newer = await self.waiter.wait(
            result.operation.stream_id,
            after_version=result.version,
            until=result.operation.has_outcome,
            timeout_s=max(timeout_s, 0),
        )
        return result if newer is None else result.as_of(newer)


def _fingerprint(request: Request, subject_id: UUID | None, canonical: bytes) -> str:
    route = request.scope["route"].path
    head = f"{request.method}\n{route}\n{subject_id or ''}\n"
    return hashlib.sha256(head.encode() + canonical).hexdigest()


def _metadata(request: Request, principal: Principal, actor: str) -> EventMetadata:
    context = request_context(request)
    return EventMetadata(
        correlation_id=context.correlation_id,
        actor=actor,
        merchant_id=MerchantId(principal.merchant_id),
        request_id=context.request_id,
        traceparent=context.traceparent,
    )


def _problem(error: CommandError | DomainError | Unavailable, key: str) -> Problem:
    """Return the problem, with the key: a client that sent none needs it to retry."""
    if isinstance(error, Unavailable):
        log.warning(error.code, error=str(error))
        detail = "The command may or may not have been recorded. Ask again with the same Idempotency-Key."
        headers = {"Retry-After": str(error.retry_after_s)}
        problem = Problem(503, error.code, error.title, detail, headers)
    else:
        problem = problem_of(error)
    problem.headers["Idempotency-Key"] = key
    return problem


def _response(result: CommandResult, key: str, wait_s: int | None, cell: str | None) -> Response:
    headers = {"Idempotency-Key": key}
    if result.replayed:
        headers["Idempotent-Replayed"] = "true"
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s}"
    if cell is not None:
        headers[POSITION_TOKEN] = position_token(cell, result.position)
    content = orjson.dumps({**result.body, "position": result.position})
    return Response(content, result.status, headers, media_type="application/json")
