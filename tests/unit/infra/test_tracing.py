"""Spans: whose child each is, and nothing at all while tracing is off."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra import tracing
from infra.errors import WrongSetting
from infra.tracing import FinishedSpan, current_traceparent, is_tracing, record_spans, span

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, NOT_SAMPLED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"


class Exporter(InMemorySpanExporter):
    """Keeps what it got when it is shut down, too."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[ReadableSpan] = []

    def export(self, spans: "tuple[ReadableSpan, ...]") -> SpanExportResult:  # type: ignore[override]
        self.kept.extend(spans)
        return SpanExportResult.SUCCESS


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter()
    tracing.export_to(made, "test")
    yield made
    tracing.shut_down()


def test_while_it_is_off_nothing_is_made() -> None:
    assert not is_tracing()
    with span("nothing", parent=SAMPLED):
        assert current_traceparent() is None
    record_spans([FinishedSpan("nothing", SAMPLED, {})], kind="consumer", began=datetime.now(UTC))


def test_a_span_is_a_child_of_the_one_that_is_open(exporter: Exporter) -> None:
    with span("outer", parent=SAMPLED):
        outer = current_traceparent()
        with span("inner", kind="client", attributes={"db.system": "postgresql"}):
            inner = current_traceparent()
    tracing.shut_down()
    assert outer is not None
    assert inner is not None
    assert {each.split("-")[1] for each in (outer, inner)} == {TRACE}
    found = {each.name: each for each in exporter.kept}
    assert found["outer"].parent is not None
    assert f"{found['outer'].parent.span_id:016x}" == CALLER
    assert found["inner"].parent is not None
    assert f"{found['inner'].parent.span_id:016x}" == outer.split("-")[2]
    assert found["outer"].resource.attributes["service.name"] == "paystream-test"


def test_work_on_events_is_recorded_when_it_is_done(exporter: Exporter) -> None:
    began = datetime.now(UTC) - timedelta(seconds=2)
    traceparents = {"kept": SAMPLED, "in no trace": None, "not sampled": NOT_SAMPLED}
    spans = [FinishedSpan(name, traceparent, {}) for name, traceparent in traceparents.items()]
    record_spans(spans, kind="producer", began=began)
    record_spans([FinishedSpan("early", SAMPLED, {})], kind="producer", began=began + timedelta(days=1))
    tracing.shut_down()
    kept, early = exporter.kept
    assert (kept.name, early.name) == ("kept", "early")
    assert kept.start_time is not None
    assert kept.end_time is not None
    assert 1.9 < (kept.end_time - kept.start_time) / 1e9 < 60
    assert early.start_time == early.end_time


def test_a_failure_is_marked_and_goes_on(exporter: Exporter) -> None:
    with pytest.raises(ValueError, match="no"), span("fails"):
        raise ValueError("no")
    tracing.shut_down()
    (failed,) = exporter.kept
    assert not failed.status.is_ok


def test_without_its_packages_a_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(WrongSetting, match=r"paystream\[tracing\]"):
        tracing.configure_tracing("test", "http://127.0.0.1:4318", 1.0)
    tracing.configure_tracing("test", None, 1.0)
    assert not is_tracing()
