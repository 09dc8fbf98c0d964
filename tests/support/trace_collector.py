"""A collector of OpenTelemetry's spans, over OTLP/HTTP: it keeps what it is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """A span, and which process made it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    seconds: float


@dataclass(kw_only=True)
class TraceCollector:
    """What was collected so far."""

    port: int = 0
    spans: list[Collected] = field(default_factory=list)

    def of_trace(self, trace_id: str) -> list[Collected]:
        """Return the spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests until the connection ends."""
        try:
            while head := await _head(reader):
                body = await reader.readexactly(int(head["content-length"]))
                self._keep(ExportTraceServiceRequest.FromString(_unpacked(head, body)))
                writer.write(_ANSWER)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _keep(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans.extend(_collected(named["service.name"], span) for span in scope.spans)


@asynccontextmanager
async def trace_collector() -> AsyncIterator[TraceCollector]:
    """Run one on 127.0.0.1."""
    collector = TraceCollector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    collector.port = server.sockets[0].getsockname()[1]
    async with server:
        yield collector


def _collected(service: str, span: "Span") -> Collected:
    return Collected(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
    except asyncio.IncompleteReadError:
        return {}
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value}


def _unpacked(head: dict[str, str], body: bytes) -> bytes:
    assert "content-encoding" not in head, head
    return body
