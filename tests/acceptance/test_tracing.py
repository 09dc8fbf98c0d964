"""A request to pay, its events in log and Kafka, the call of Stripe and the read model are one trace."""

from pathlib import Path

import pytest

from tests.support.system import System, new_key, running_system
from tests.support.trace_collector import Collected, trace_collector
from tests.support.waiting import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.own_system]

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
# What has to be there: the request, its record, both ways of each event, the call, and what came of it.
EXPECTED = {
    "POST /payments",
    "append events",
    "publish payment.requested",
    "stripe-gateway payment.requested",
    "gateway create_intent",
    "stripe create_intent",
    "publish payment.succeeded",
    "projector payment.requested",
    "projector payment.succeeded",
}


async def create(system: System, **headers: str) -> str:
    body = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD", "payment_method": "pm_card_visa"}
    answer = await system.command.post("/payments", json=body, headers={"Idempotency-Key": new_key(), **headers})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_payment_is_one_trace_from_request_to_read_model(tmp_path: Path) -> None:
    async with trace_collector() as collector:
        endpoint = f"http://127.0.0.1:{collector.port}"
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        async with running_system(tmp_path / "system", settings=settings) as system:
            await system.finished_as(await create(system, traceparent=TRACEPARENT), "succeeded")
            await system.finished_as(await create(system), "succeeded")

            async def of_the_client() -> dict[str, Collected]:
                return {span.name: span for span in collector.of_trace(TRACE)}

            spans = await eventually(of_the_client, lambda found: found.keys() >= EXPECTED)

            async def of_its_own() -> set[str]:
                began = {span.trace_id for span in collector.spans if span.name == "POST /payments"} - {TRACE}
                return {span.name for trace_id in began for span in collector.of_trace(trace_id)}

            assert await eventually(of_its_own, lambda found: found >= EXPECTED)
    request, call = spans["POST /payments"], spans["stripe create_intent"]
    assert request.parent_id == TRACEPARENT.split("-")[2]
    assert spans["append events"].parent_id == request.span_id
    of_the_event = ("publish payment.requested", "stripe-gateway payment.requested", "gateway create_intent")
    assert {spans[name].parent_id for name in of_the_event} == {request.span_id}
    assert call.parent_id == spans["gateway create_intent"].span_id
    assert request.service == "paystream-command-api"
    assert all(0 <= span.seconds < 30 for span in collector.spans)
