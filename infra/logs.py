"""Structured logs: one JSON object a line on stdout, from our loggers and from every library's.

`log = structlog.get_logger(__name__)`, then `log.info("payment_accepted", amount_cents=1000)`: an event is a
name with fields, not a sentence. The ids of the current request or message are bound once, with
`bound_context`.
"""

import logging
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from infra.log_render import mask_fields, render

CONTEXT_IDS = ("request_id", "correlation_id", "user_id", "payment_id")

_SERVICE = "service_of_task"

# Libraries that log every request or statement at INFO.
_QUIET_LOGGERS = (
    "httpx",
    "httpcore",
    "stripe",
    "psycopg",
    "psycopg.pool",
    "uvicorn.error",
    "asyncio",
    "faststream",
)


def configure_logging(service: str, level: str, stream: BinaryIO | None = None) -> None:
    """Send structlog's and the standard library's records through one pipeline to `stream` (stdout)."""
    minimum = logging.getLevelNamesMapping()[level]

    def arrange(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        arranged: EventDict = {
            "timestamp": fields.pop("timestamp"),
            "level": fields.pop("level"),
            "event": fields.pop("event", None),
            "service": fields.pop(_SERVICE, service),
        }
        for name in CONTEXT_IDS:
            arranged[name] = fields.pop(name, None)
        arranged.update(fields)
        return arranged

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Never with locals: they hold keys and card data.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
            ),
            mask_fields,
            arrange,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=_LineLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=minimum, handlers=[_StructlogHandler()], force=True)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(minimum, logging.WARNING))


def bind_service(name: str) -> None:
    """Name another `service` in the lines that this task logs, and the tasks that it starts."""
    structlog.contextvars.bind_contextvars(**{_SERVICE: name})


def bound_context(**ids: str | None) -> AbstractContextManager[None]:
    """Bind ids (request_id, correlation_id, user_id, payment_id) to every line logged within the block."""
    return structlog.contextvars.bound_contextvars(**ids)


def bind_context(**ids: str | None) -> None:
    """Bind ids learned on the way, until the enclosing `bound_context` that names them ends."""
    structlog.contextvars.bind_contextvars(**ids)


class _LineLogger:
    """Writes a line and flushes. A reader that went away must not break a payment: such lines are lost."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def msg(self, line: bytes) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = msg


class _LineLoggerFactory:
    def __init__(self, stream: BinaryIO) -> None:
        self._logger = _LineLogger(stream)

    def __call__(self, *_: Any) -> _LineLogger:
        return self._logger


class _StructlogHandler(logging.Handler):
    """Hands the standard library's records to structlog, the same warning once in `_REPEAT_S` seconds.

    A client whose server is down says so many times a second; the number of suppressed lines is in
    `repeated`.
    """

    _REPEAT_S = 5.0
    _REMEMBERED = 1000

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._emit(record)
        except Exception:  # noqa: BLE001 - as every logging.Handler: a log line never breaks the program
            self.handleError(record)

    def _emit(self, record: logging.LogRecord) -> None:
        key, now = (record.name, str(record.msg)), time.monotonic()
        since, suppressed = self._seen.get(key, (-self._REPEAT_S, 0))
        if record.levelno >= logging.WARNING and now - since < self._REPEAT_S:
            self._seen[key] = (since, suppressed + 1)
            return
        if len(self._seen) > self._REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, 0)
        fields: Mapping[str, Any] = {"repeated": suppressed} if suppressed else {}
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        self._log.log(level, record.getMessage(), logger=record.name, exc_info=record.exc_info, **fields)
