"""Traces with OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

A request, its events on their way through log and Kafka, the calls of Stripe and the read model are one trace then.
What joins them is the `traceparent` (https://www.w3.org/TR/trace-context/) that events carry anyway. While it is off
each function returns at once, and nothing of OpenTelemetry is imported.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from infra.errors import WrongSetting

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer
    from starlette.types import ASGIApp

Kind = Literal["internal", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool]

_MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed. Remedy: pip install 'paystream[tracing]'"
)
_PROBES = "health.*,metrics"
_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None


def configure_tracing(service: str, endpoint: str | None, share: float) -> None:
    """Send spans to a collector over OTLP/HTTP from now on: all of this share of the traces that begin here.

    Raises WrongSetting when OpenTelemetry is not installed.
    """
    if endpoint is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    except ImportError:
        raise WrongSetting(_MISSING) from None
    export_to(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"), service, share)


def export_to(exporter: "SpanExporter", service: str, share: float = 1.0) -> None:
    """Hand spans to this exporter, in the background."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    global _provider, _tracer  # noqa: PLW0603 - of the process, as its logger is
    resource = Resource.create({SERVICE_NAME: f"paystream-{service}"})
    _provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(share))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("paystream")


def shut_down() -> None:
    """Send what is left, and be off again."""
    global _provider, _tracer
    ended, _provider, _tracer = _provider, None, None
    if ended is not None:
        ended.shutdown()


def is_tracing() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def trace_requests(app: "ASGIApp") -> None:
    """Make a span of each HTTP request of a FastAPI application but probes; others have probes alone."""
    if _tracer is None:
        return
    from fastapi import FastAPI  # noqa: PLC0415
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415

    if not isinstance(app, FastAPI):
        return
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=_provider, excluded_urls=_PROBES, exclude_spans=["receive", "send"]
    )


def current_traceparent() -> str | None:
    """Return the `traceparent` of the span that is open here, if any."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


@contextmanager
def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Attributes | None = None
) -> Iterator[None]:
    """Make a span of the block; an exception marks it as failed. `parent` is a `traceparent`, else the open span."""
    if _tracer is None:
        yield
        return
    context = None if parent is None else _context_of(parent)
    with _tracer.start_as_current_span(name, context=context, kind=_kind(kind), attributes=attributes):
        yield


class FinishedSpan(NamedTuple):
    """Work on an event that is done. Without a `traceparent` it belongs to no trace, and no span is made."""

    name: str
    traceparent: str | None
    attributes: Attributes


def record_spans(spans: Iterable[FinishedSpan], *, kind: Kind, began: datetime) -> None:
    """Record work that began at this moment and has just ended."""
    if _tracer is None:
        return
    end = time.time_ns()
    start = min(int(began.timestamp() * 1e9), end)
    for name, parent, attributes in spans:
        if parent is not None:
            context = _context_of(parent)
            made = _tracer.start_span(name, context=context, kind=_kind(kind), attributes=attributes, start_time=start)
            made.end(end)


def _context_of(traceparent: str) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def _kind(kind: Kind) -> Any:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    return SpanKind[kind.upper()]
