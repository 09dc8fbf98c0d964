"""The way of a request to the API: who asks, what for, whether again, and what is answered.

Order matters. The idempotency key is taken before the first wait, so that a second request with it meets 409 while
the first is under way. Validation, effects and the stored answer happen in one piece without waiting. The key is given
back once they are committed and before the last wait, so that an answer which is late on its way can already be had by
asking again.
"""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import orjson
import structlog
from prometheus_client import Counter
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from infra.stripe_sandbox.auth import secret_key
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.commits import Commits
from infra.stripe_sandbox.errors import (
    CONFLICT,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    StripeError,
    internal_error,
    unrecognized_url,
)
from infra.stripe_sandbox.faults.requests import NONE as NO_FAULT
from infra.stripe_sandbox.faults.requests import RequestFault
from infra.stripe_sandbox.forms import Form, decode
from infra.stripe_sandbox.headers import check_account, check_version
from infra.stripe_sandbox.idempotency import InFlight, KeyClaim, checked_key, fingerprint_of, keep
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply, World
from infra.stripe_sandbox.request_log import log_request
from infra.stripe_sandbox.store import StoredAnswer
from infra.stripe_sandbox.transitions import settle_due
from infra.stripe_sandbox.validation import validate
from infra.stripe_sandbox.version import API_VERSION

FIRST_ERROR_STATUS = 400

REQUESTS = Counter(
    "stripe_sandbox_requests_total", "Requests to the sandbox's API.", ["method", "path", "status", "replayed"]
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonAnswer:
    """Encoded JSON with its status and headers, as an ASGI application.

    It is sent without a detour: this is on the way of every request of a load test.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send the headers and the body in two messages of ASGI."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A request, read and recognised."""

    operation: ApiOperation
    request: Request
    request_id: str
    account: str
    form: Form

    @property
    def log_url(self) -> str:
        """Where Stripe's dashboard would show this request."""
        return f"https://dashboard.stripe.com/{self.account}/test/workbench/logs?object={self.request_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """Runs operations over HTTP."""

    world: World
    latency: Latency
    commits: Commits
    in_flight: InFlight = field(default_factory=InFlight)

    async def serve(self, operation: ApiOperation, request: Request) -> JsonAnswer:
        """Answer a request for an operation. Raises ConnectionDropped when a fault leaves it without an answer."""
        started, request_id = time.perf_counter(), self.world.ids.request()
        incoming, fault = None, NO_FAULT
        try:
            incoming = await self._read(operation, request, request_id)
            fault = RequestFault(fault=self.world.faults.of_request(request.method, request.scope["path"]))
            claim = _claim(incoming)
            refusal = fault.refusal(None if claim is None else claim.key)
            if refusal is not None:
                raise refusal
            stored = None if claim is None else self.in_flight.claim(self.world.store, claim, self.world.clock())
        except StripeError as error:
            answer = _refusal(error, request_id=request_id)
            log_request(
                operation.method, operation.path, None if incoming is None else incoming.form, answer, started=started
            )
            return _response(request, operation, request_id, answer, fault=fault)
        if stored is None:
            answer = await self._execute(incoming, claim, fault)
        else:
            await self.latency.before()
            await fault.before()
            answer = stored
        await self.latency.after()
        await fault.after()
        log_request(operation.method, operation.path, incoming.form, answer, started=started)
        return _response(request, operation, request_id, answer, fault=fault, replayed=stored is not None)

    async def refuse_unknown(self, request: Request) -> JsonAnswer:
        """Answer a request for something that the API does not have."""
        started, request_id = time.perf_counter(), self.world.ids.request()
        answer = _refusal(unrecognized_url(request.method, request.url.path), request_id=request_id)
        log_request(request.method, "unmatched", None, answer, started=started)
        return _response(request, None, request_id, answer)

    async def _read(self, operation: ApiOperation, request: Request, request_id: str) -> Incoming:
        key = secret_key(request.headers.get("authorization"))
        check_version(request.headers)
        account = self.world.restricted_keys.account(key)
        check_account(request.headers, key=key, account=account)
        self.world.restricted_keys.check(key, operation.method, operation.path)
        encoded = await request.body() if operation.method == "POST" else request.scope["query_string"]
        return Incoming(
            operation=operation, request=request, request_id=request_id, account=account, form=decode(encoded)
        )

    async def _execute(self, incoming: Incoming, claim: KeyClaim | None, fault: RequestFault) -> StoredAnswer:
        try:
            await self.latency.before()
            await fault.before()
            answer = self._answer(incoming, claim, fault)
            await self.commits.done()
        except sqlite3.Error:
            log.exception("sandbox_storage_failed", operation=incoming.operation.path)
            return _refusal(internal_error(), request_id=incoming.request_id, log_url=incoming.log_url)
        else:
            return answer
        finally:
            if claim is not None:
                self.in_flight.release(claim)

    def _answer(self, incoming: Incoming, claim: KeyClaim | None, fault: RequestFault) -> StoredAnswer:
        try:
            settle_due(self.world)
            return self._effect(incoming, claim, fault)
        except StripeError as error:
            return self._keep_refusal(error, incoming, claim)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("sandbox_request_failed", operation=incoming.operation.path)
            return self._keep_refusal(internal_error(), incoming, claim)

    def _effect(self, incoming: Incoming, claim: KeyClaim | None, fault: RequestFault) -> StoredAnswer:
        """Run the operation and keep its answer for the key, together or not at all."""
        if incoming.operation.method == "GET":
            return self._run(incoming, claim, fault)
        with self.world.transaction():
            answer = self._run(incoming, claim, fault)
            if claim is not None:
                keep(self.world.store, claim, answer, self.world.clock())
            return answer

    def _keep_refusal(self, error: StripeError, incoming: Incoming, claim: KeyClaim | None) -> StoredAnswer:
        """Keep an answer whose effects were undone, if Stripe would keep it too."""
        answer = _refusal(
            error,
            request_id=incoming.request_id,
            log_url=incoming.log_url,
            fingerprint="" if claim is None else claim.fingerprint,
        )
        if claim is not None and error.stored:
            with self.world.transaction():
                keep(self.world.store, claim, answer, self.world.clock())
        return answer

    def _run(self, incoming: Incoming, claim: KeyClaim | None, fault: RequestFault) -> StoredAnswer:
        operation, request = incoming.operation, incoming.request
        call = Call(
            world=self.world,
            account=incoming.account,
            path=request.path_params,
            params=validate(operation.accepts, incoming.form),
            origin=f"{request.scope['scheme']}://{request.headers.get('host', '')}",
            cause=Cause(
                account=incoming.account,
                request_id=incoming.request_id,
                idempotency_key=None if claim is None else claim.key,
            ),
        )
        if fault.error_before is not None:
            raise fault.error_before
        reply = operation.run(call)
        fingerprint = "" if claim is None else claim.fingerprint
        if fault.error_after is not None:
            return _refusal(
                fault.error_after,
                request_id=incoming.request_id,
                log_url=incoming.log_url,
                fingerprint=fingerprint,
            )
        return StoredAnswer(
            fingerprint=fingerprint,
            request_id=incoming.request_id,
            status=reply.status,
            body=orjson.dumps(_body(reply, incoming)),
        )


def _body(reply: Reply, incoming: Incoming) -> JsonObject:
    if reply.status < FIRST_ERROR_STATUS:
        return reply.body
    declined = reply.body["error"]
    assert isinstance(declined, dict)
    return {"error": {**declined, "request_log_url": incoming.log_url}}


def _claim(incoming: Incoming) -> KeyClaim | None:
    """Return the key that the request wants to hold; only changes can be repeated by mistake."""
    key = incoming.request.headers.get("idempotency-key")
    if key is None or incoming.operation.method != "POST":
        return None
    return KeyClaim(
        account=incoming.account,
        key=checked_key(key),
        fingerprint=fingerprint_of(incoming.operation.method, incoming.request.scope["path"], incoming.form),
    )


def _refusal(error: StripeError, *, request_id: str, log_url: str | None = None, fingerprint: str = "") -> StoredAnswer:
    return StoredAnswer(
        fingerprint=fingerprint,
        request_id=request_id,
        status=error.status,
        body=orjson.dumps(error.body(log_url)),
    )


def _response(
    request: Request,
    operation: ApiOperation | None,
    request_id: str,
    answer: StoredAnswer,
    *,
    fault: RequestFault = NO_FAULT,
    replayed: bool = False,
) -> JsonAnswer:
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": API_VERSION,
        "Cache-Control": "no-cache, no-store",
    }
    key = request.headers.get("idempotency-key")
    if key is not None and request.method == "POST":
        headers["Idempotency-Key"] = key
        headers["Original-Request"] = answer.request_id
        if replayed:
            headers["Idempotent-Replayed"] = "true"
    should_retry = fault.should_retry if fault.should_retry is not None else _should_retry(answer.status)
    if should_retry is not None:
        headers["Stripe-Should-Retry"] = "true" if should_retry else "false"
    if answer.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    _counted(request.method, operation.path if operation else "unknown", answer.status, replayed).inc()
    return JsonAnswer(status=answer.status, headers=headers, body=answer.body)


@cache
def _counted(method: str, path: str, status: int, replayed: bool) -> Counter:
    return REQUESTS.labels(method, path, status, str(replayed).lower())


def _should_retry(status: int) -> bool | None:
    """Return the value of Stripe-Should-Retry; none for a 429. The SDK obeys it before it looks at the status."""
    if status < FIRST_ERROR_STATUS or status == TOO_MANY_REQUESTS:
        return None
    return status == CONFLICT
