import uuid
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from infra.http.context import RequestContext, RequestContextMiddleware, request_context
from infra.http.problems import install_problem_handlers
from infra.logs import bind_context
from infra.process.health import Health, health_routes

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_client() -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    app.router.routes.extend(health_routes(Health()))
    router = APIRouter(prefix="/payments")

    @router.get("/{payment_id}/events")
    async def events(payment_id: str, context: Annotated[RequestContext, Depends(request_context)]) -> dict[str, Any]:
        bind_context(payment_id=payment_id)
        return {
            "request_id": context.request_id,
            "correlation_id": context.correlation_id,
            "traceparent": context.traceparent,
            "logged": structlog.contextvars.get_contextvars(),
        }

    @router.get("/{payment_id}/broken")
    async def broken(payment_id: str) -> None:
        raise RuntimeError(payment_id)

    @router.get("/{payment_id}/half")
    async def half(payment_id: str) -> StreamingResponse:
        async def parts() -> Any:
            yield b"one"
            raise RuntimeError(payment_id)

        return StreamingResponse(parts())

    app.include_router(router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def is_uuid7(text: str) -> bool:
    return uuid.UUID(text).version == 7


async def test_ids_are_generated_returned_and_logged() -> None:
    response = await a_client().get("/payments/p1/events")

    body = response.json()
    assert is_uuid7(body["request_id"])
    assert body["correlation_id"] == body["request_id"]
    assert body["traceparent"] is None
    assert body["logged"] == {
        "request_id": body["request_id"],
        "correlation_id": body["correlation_id"],
        "user_id": None,
        "payment_id": "p1",
    }
    assert response.headers["x-request-id"] == response.headers["x-correlation-id"] == body["request_id"]


async def test_a_caller_s_ids_are_accepted() -> None:
    headers = {"X-Request-ID": "req-1", "X-Correlation-ID": "order:77", "traceparent": TRACEPARENT}
    response = await a_client().get("/payments/p1/events", headers=headers)

    body = response.json()
    assert (body["request_id"], body["correlation_id"]) == ("req-1", "order:77")
    assert body["traceparent"] == TRACEPARENT
    assert response.headers["x-correlation-id"] == "order:77"


@pytest.mark.parametrize("bad", [b"a\nb", b"a\n", b"", b"x" * 129, b"a b", "é".encode(), b"<script>"])
async def test_an_id_that_is_not_valid_is_replaced(bad: bytes) -> None:
    headers = [(b"X-Request-ID", bad), (b"X-Correlation-ID", bad)]
    response = await a_client().get("/payments/p1/events", headers=headers)

    assert is_uuid7(response.headers["x-request-id"])
    assert response.headers["x-correlation-id"] == response.headers["x-request-id"]


AN_ID = "01a22369-6cf0-714d-88a5-13f0c3407a2d"


@pytest.mark.parametrize("header", ["X-Request-ID", "X-Correlation-ID"])
@pytest.mark.parametrize(
    "ours",
    [
        "reconciliation-1",
        "Reconciliation-x",
        f"reconciliation-{AN_ID}-1",
        *(f"{word}-{AN_ID}" for word in ("command", "schedule", "discrepancy", "payouts", "events")),
        f"balance_transactions-{AN_ID}",
    ],
)
async def test_a_client_cannot_take_an_id_like_one_of_our_own(header: str, ours: str) -> None:
    response = await a_client().get("/payments/p1/events", headers={header: ours})
    assert ours not in (response.headers["x-request-id"], response.headers["x-correlation-id"])
    assert is_uuid7(response.headers["x-correlation-id"])


@pytest.mark.parametrize("mine", ["command-12", "events-of-today", "order-reconciliation-1"])
async def test_an_id_of_a_client_that_is_none_of_ours_is_kept(mine: str) -> None:
    response = await a_client().get("/payments/p1/events", headers={"X-Correlation-ID": mine})
    assert response.headers["x-correlation-id"] == mine


@pytest.mark.parametrize("card", ["4242424242424242", "4242-4242-4242-4242", "order:378282246310005"])
async def test_an_id_that_looks_like_a_card_number_is_replaced_and_not_logged(card: str) -> None:
    headers = {"X-Request-ID": card, "X-Correlation-ID": card}
    response = await a_client().get("/payments/p1/events", headers=headers)

    assert is_uuid7(response.headers["x-request-id"])
    assert response.headers["x-correlation-id"] == response.headers["x-request-id"]
    assert card not in f"{response.text}{response.headers}"


@pytest.mark.parametrize(
    "ordinary",
    [
        "0199e5a4-7b1c-7c3e-9f00-3d2b1a908f7e",
        "0199e5a47b1c7c3e9f003d2b1a908f7e",
        "1763840000001",
        "1442424242424242423",
    ],
)
async def test_uuids_and_long_numeric_ids_are_accepted(ordinary: str) -> None:
    response = await a_client().get("/payments/p1/events", headers={"X-Request-ID": ordinary})

    assert response.headers["x-request-id"] == ordinary


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "00-abc",
        TRACEPARENT.upper(),
        "ff" + TRACEPARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        TRACEPARENT.replace("b7ad6b7169203331", "4242424242424242"),
    ],
)
async def test_a_traceparent_that_is_not_valid_is_dropped(bad: str) -> None:
    response = await a_client().get("/payments/p1/events", headers={"traceparent": bad})

    assert response.json()["traceparent"] is None


async def test_a_request_is_one_line_with_the_template_and_nothing_stays_bound() -> None:
    with capture_logs() as logs:
        await a_client().get("/payments/p1/events?secret=1")

    (line,) = logs
    duration = line.pop("duration_ms")
    assert line == {
        "event": "http_request",
        "log_level": "info",
        "method": "GET",
        "path": "/payments/{payment_id}/events",
        "status": 200,
    }
    assert 0 < duration < 5000
    assert structlog.contextvars.get_contextvars() == {}


async def test_unknown_paths_and_methods_share_one_label() -> None:
    def count(method: str, route: str, status: str) -> float:
        labels = {"method": method, "route": route, "status": status}
        timed = REGISTRY.get_sample_value("http_request_duration_seconds_count", labels)
        counted = REGISTRY.get_sample_value("http_requests_total", labels)
        assert timed == counted
        return counted or 0.0

    unmatched, odd = count("GET", "unmatched", "404"), count("OTHER", "unmatched", "404")
    events = count("GET", "/payments/{payment_id}/events", "200")
    client = a_client()
    for guess in range(3):
        await client.get(f"/guess/{guess}")
        await client.request(f"GUESS{guess}", "/guess")
        await client.get(f"/payments/{guess}/events")

    assert count("GET", "unmatched", "404") == unmatched + 3
    assert count("OTHER", "unmatched", "404") == odd + 3
    assert count("GET", "/payments/{payment_id}/events", "200") == events + 3


async def test_an_unexpected_error_is_logged_once_with_its_cause_and_answered() -> None:
    with capture_logs() as logs:
        response = await a_client().get("/payments/p1/broken")

    assert response.status_code == 500
    assert [line["event"] for line in logs] == ["unexpected_error", "http_request"]
    assert logs[0]["exc_info"] is True
    assert logs[0]["path"] == "/payments/{payment_id}/broken"
    assert logs[1]["status"] == 500


async def test_an_error_after_the_answer_began_is_logged_without_a_second_head() -> None:
    with capture_logs() as logs:
        response = await a_client().get("/payments/p1/half")

    assert response.status_code == 200
    assert response.text == "one"
    assert [line["event"] for line in logs] == ["unexpected_error", "http_request"]


async def test_probes_are_only_logged_at_debug() -> None:
    with capture_logs() as logs:
        await a_client().get("/health/live")

    assert [(line["event"], line["log_level"], line["path"]) for line in logs] == [
        ("http_request", "debug", "/health/live")
    ]
