"""uvicorn's HTTP/1.1 within bounds, which it lacks with httptools: of a head's bytes, of time, of connections.

A request that is refused here reaches no application: what it sent is not well-formed, or not taken, or too slow. It
is answered with a problem document, but only after the answers of requests before it, which it must not stand in for.
Nothing here costs a request that arrives whole: timers are started for what is still missing after a read.
"""

import asyncio
from collections import deque
from enum import Enum, auto
from typing import Any, NoReturn

import httptools
import structlog
from prometheus_client import Counter
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from infra.http import request_problems
from infra.http.limits import Connections, HttpLimits, address_of
from infra.http.problems import Problem, problem_response
from infra.http.request_head import HeadRefused, check_head, head_too_large, head_without_upgrade

log = structlog.get_logger("http")

REFUSED = Counter(
    "http_requests_refused_total", "Requests that no application saw, by the code of the refusal", ["code"]
)

_LINGER_S = 2.0
_LINGER_BYTES = 1024 * 1024
"""How long, and how much, is read and thrown away after the last answer. To close at once would reset the connection
under what the client still sends, and it would not see the answer (https://www.rfc-editor.org/rfc/rfc9112#section-9.6)."""
_UNREAD_BODY_BYTES = 256 * 1024
"""What is read of a body, and thrown away, after its request was answered."""
_READ_BYTES = 64 * 1024
"""What a client has to read of a large answer in each `write_timeout_s`."""
_MAX_PIPELINED = 16
_FREE_OVERHEAD_BYTES = 16 * 1024
_OVERHEAD_PER_BYTE = 8
"""What chunks may take beside their data: a chunk's size and its extensions are kept nowhere, and never end."""


class _Stage(Enum):
    """Which part of a request comes next."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class _Refused(Exception):
    """Ends the parsing: the problem is in `_refusal`."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `connections` is shared by all of the server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: HttpLimits,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._counted_in = connections
        self._address: str | None = None
        self._stage = _Stage.NOTHING
        self._head_bytes = 0  # of the head that is being read
        self._body_bytes = 0
        self._body_read = 0  # with what chunks take beside their data
        self._timer: asyncio.TimerHandle | None = None  # of what is missing of a request, or of the end
        self._write_timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self._without_upgrade: bytes | None = None  # the head of a request that has to be parsed again
        self._running: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._last_answer: Problem | None = None  # follows those that are owed
        self._ending = False
        self._discarded = 0

    # --- The connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, and refuse one too many."""
        super().connection_made(transport)
        address = address_of(self.client[0]) if self.client else ""
        if self._counted_in.admit(address):
            self._address = address
            self._wait_for_the_rest()
        else:
            self._refuse(request_problems.too_many_connections())

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all that it held."""
        if self._address is not None:
            self._counted_in.leave(self._address)
            self._address = None
        self._stop_timer()
        self._stop_write_timer()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read requests, or throw away what comes after the last one."""
        self._unset_keepalive_if_required()
        if self._ending:
            self._discarded += len(data)
            if self._discarded > _LINGER_BYTES:
                self.transport.abort()
            return
        try:
            self._read(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or request_problems.malformed())
            return
        if (self._stage is not _Stage.NOTHING or self._head_bytes) and self._timer is None and not self._ending:
            self._wait_for_the_rest()

    def _read(self, data: bytes) -> None:
        """Hand the bytes to the parser, which keeps an unfinished header however long it is, and ever more slowly."""
        while data:
            if self._stage is _Stage.BODY:
                part, data = data, b""
                self._body_read += len(part)
            else:
                bytes_left = self._limits.max_head_bytes - self._head_bytes
                part, data = data[:bytes_left], data[bytes_left:]
                self._head_bytes += len(part)
            try:
                self.parser.feed_data(part)
            except httptools.HttpParserUpgrade as upgrade:
                # Only HTTP is spoken here, and a server may ignore the request to upgrade: what follows is the next
                # request, or this one's body.
                data = part[upgrade.args[0] :] + data
                if self._without_upgrade is not None:
                    data = self._without_upgrade + data
                    self._without_upgrade = None
                    self._head_bytes = 0
                    self.parser = _new_parser(self)
            if self._ending:
                return
            if self._stage is _Stage.BODY:
                overhead = self._body_read - self._body_bytes
                if overhead > _FREE_OVERHEAD_BYTES + _OVERHEAD_PER_BYTE * self._body_bytes:
                    self._refuse(request_problems.malformed("The body's chunks are mostly something else than data."))
                    return
            elif self._head_bytes >= self._limits.max_head_bytes:
                self._refuse(head_too_large(self.url, self.headers, self._limits))
                return

    # --- What the parser finds ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._give_up(request_problems.too_many_pipelined())
        super().on_message_begin()
        self._stage = _Stage.HEAD

    def on_headers_complete(self) -> None:
        """Check the head, and hand the request to the application."""
        version = self.parser.get_http_version()
        try:
            has_body = check_head(version, self.url, self.headers, self._limits)
        except HeadRefused as refused:
            self._give_up(refused.problem)
        if self.parser.should_upgrade() and has_body:
            # The parser takes the body for the other protocol's. Java's client asks so for HTTP/2 with each request.
            self._without_upgrade = head_without_upgrade(self.parser.get_method(), self.url, version, self.headers)
            return
        super().on_headers_complete()
        self.headers = []  # the application has the others: what comes after the body is no header
        self._stop_timer()
        self._stage = _Stage.BODY
        self._head_bytes = self._body_bytes = self._body_read = 0

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)
        if self._body_bytes > _UNREAD_BODY_BYTES and self.cycle.response_complete:
            self._hang_up()
            raise _Refused

    def on_message_complete(self) -> None:
        """End a request."""
        if self._without_upgrade is not None:
            return
        if self.headers:
            self._give_up(request_problems.trailers())
        super().on_message_complete()
        self._stop_timer()
        self._stage = _Stage.NOTHING

    # --- Answers --------------------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the last answer."""
        was_last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self._start_write_timer()
        elif was_last and self._last_answer is not None:
            self._answer(self._last_answer)

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, though its client may not have read the last answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        """Go on: it reads."""
        self._stop_write_timer()
        super().resume_writing()

    # --- Refusals -------------------------------------------------------------------------------------------------

    def _give_up(self, problem: Problem) -> NoReturn:
        """End the parsing, within one of its callbacks."""
        self._refusal = problem
        raise _Refused

    def _refuse(self, problem: Problem) -> None:
        """Take no more requests; answer with the problem as soon as no other answer is owed."""
        if self._ending:
            return
        self._ending = True
        self._stop_timer()
        REFUSED.labels(problem.code).inc()
        log.info("http_request_refused", code=problem.code, client=self.client[0] if self.client else None)
        if self._stage is _Stage.BODY:
            if self._running is self.cycle:
                self._refuse_running(self.cycle, problem)
                return
            # It waits for its turn: the application has not seen it.
            self.pipeline = deque(each for each in self.pipeline if each[0] is not self.cycle)
        if self.pipeline or (self._running is not None and not self._running.response_complete):
            self._last_answer = problem
        else:
            self._answer(problem)

    def _refuse_running(self, cycle: RequestResponseCycle, problem: Problem) -> None:
        """Refuse the request that the application reads the body of: for the application its client is gone."""
        if cycle.response_complete:
            self._hang_up()
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.abort()  # what was sent must not look complete
        else:
            self._answer(problem)

    def _answer(self, problem: Problem) -> None:
        """Write the problem as the connection's last answer."""
        response = problem_response(problem, {})
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", bytes(response.body)]))
        self._hang_up()

    def _hang_up(self) -> None:
        """Half-close the connection, wait a moment for the client to do the same, and close."""
        self._ending = True
        self._stop_timer()
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)

    # --- Time -----------------------------------------------------------------------------------------------------

    def _wait_for_the_rest(self) -> None:
        """Give what is missing of the request its time, unless it runs already."""
        if self._timer is None:
            body = self._stage is _Stage.BODY
            timeout_s = self._limits.body_timeout_s if body else self._limits.head_timeout_s
            self._timer = self.loop.call_later(timeout_s, self._on_late)

    def _on_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:  # it is we who do not read
            self._wait_for_the_rest()
        elif self._stage is _Stage.BODY:
            self._refuse(request_problems.too_slow("body", self._limits.body_timeout_s))
        elif self._head_bytes or self._stage is _Stage.HEAD:
            self._refuse(request_problems.too_slow("head", self._limits.head_timeout_s))
        else:
            self._hang_up()  # it never sent anything: there is nothing to answer

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_write_timer(self) -> None:
        if self._write_timer is None:
            self._unread = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(self._limits.write_timeout_s, self._on_unread)

    def _on_unread(self) -> None:
        """Cut off a client that reads nothing, or a little now and then to keep what is held for it."""
        self._write_timer = None
        if self._unread - self.transport.get_write_buffer_size() < _READ_BYTES:
            self.transport.abort()
        else:
            self._start_write_timer()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def _new_parser(protocol: BoundedProtocol) -> httptools.HttpRequestParser:
    """Return a parser as uvicorn makes it."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
