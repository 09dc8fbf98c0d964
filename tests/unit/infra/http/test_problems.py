from enum import StrEnum
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Query
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from pydantic import BaseModel, ConfigDict, Field

from infra.http.context import RequestContextMiddleware
from infra.http.problems import Problem, install_problem_handlers
from infra.postgres.pool import DatabaseUnavailable


class Status(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    amount_cents: Annotated[int, Field(gt=0)]
    metadata: dict[str, str] = {}


def an_app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)

    @app.get("/problem")
    async def problem() -> None:
        raise Problem(409, "payment_not_refundable", "Not refundable", "It is pending.", {"X-A": "1"}, status_now="p")

    @app.get("/down")
    @app.post("/down")
    async def down() -> None:
        raise DatabaseUnavailable("connection to server at 10.0.0.1 failed")

    @app.get("/conflict/{number}")
    async def conflict(number: int) -> None:
        raise (DeadlockDetected, SerializationFailure, LockNotAvailable)[number]("Process 1 waits for 10.0.0.1")

    @app.get("/bug")
    @app.post("/bug")
    async def bug() -> None:
        raise RuntimeError("password=hunter2")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/discrepancies")
    async def discrepancies(status: Status | Literal["unresolved"]) -> str:
        return status

    @app.post("/payments")
    async def create(body: Body, limit: Annotated[int, Query(le=10)] = 1) -> int:
        return body.amount_cents + limit

    return app


@pytest.fixture
def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(an_app()), base_url="http://test")


async def test_a_problem_is_problem_json_with_its_members(client: httpx.AsyncClient) -> None:
    response = await client.get("/problem", headers={"X-Request-ID": "r1"})

    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-a"] == "1"
    assert response.json() == {
        "type": "urn:paystream:problem:payment_not_refundable",
        "title": "Not refundable",
        "status": 409,
        "code": "payment_not_refundable",
        "detail": "It is pending.",
        "request_id": "r1",
        "status_now": "p",
    }


async def test_an_unavailable_dependency_is_503_with_retry_after_and_no_inside(client: httpx.AsyncClient) -> None:
    response = await client.get("/down")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["code"] == "database_unavailable"
    assert response.json()["detail"] == "Ask again after 1 s."
    assert "10.0.0.1" not in response.text
    sent = (await client.post("/down")).json()["detail"]
    assert sent == "Try again after 1 s. If the request has an Idempotency-Key, retry it with the same one."


@pytest.mark.parametrize("number", range(3))
async def test_a_transaction_that_gave_way_to_another_is_503(client: httpx.AsyncClient, number: int) -> None:
    response = await client.get(f"/conflict/{number}")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["code"] == "database_unavailable"
    assert "10.0.0.1" not in response.text


async def test_an_unexpected_error_is_500_with_ids_and_no_inside(client: httpx.AsyncClient) -> None:
    response = await client.get("/bug", headers={"X-Request-ID": "r1"})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "r1"
    assert response.json()["code"] == "internal_error"
    assert "hunter2" not in response.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_advice_after_an_unexpected_error_fits_the_method(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/bug")

    assert response.status_code == 500
    assert ("Idempotency-Key" in response.json()["detail"]) is (method == "POST")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/payments", 405, "method_not_allowed"),
        ("GET", "/teapot", 418, "i'm_a_teapot"),
    ],
)
async def test_the_framework_s_errors_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)

    assert response.status_code == response.json()["status"] == status
    assert response.json()["code"] == code
    assert response.headers["content-type"] == "application/problem+json"


async def test_405_says_what_is_allowed(client: httpx.AsyncClient) -> None:
    response = await client.delete("/payments")
    assert response.headers["allow"] == "POST"
    assert response.json()["detail"] == "This path has no DELETE: it has POST."


async def test_404_says_where_the_paths_are(client: httpx.AsyncClient) -> None:
    said = "There is nothing at this path. /docs has the paths of this API."
    assert (await client.get("/nothing")).json()["detail"] == said


async def test_an_invalid_request_names_each_field_and_repeats_no_value(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/payments?limit=11", json={"amount_cents": -5, "metadata": {"card": 4242}, "number": "4242424242424242"}
    )

    assert response.status_code == 422
    body = response.json()
    assert body["code"] == "invalid_request"
    assert body["errors"] == [
        {"field": "limit", "message": "must be at most 10"},
        {"field": "amount_cents", "message": "must be greater than 0"},
        {"field": "metadata.card", "message": "must be a string"},
        {"field": "number", "message": "is not a known field"},
    ]
    assert body["detail"].startswith("limit: must be at most 10; ")
    assert "4242" not in response.text


async def test_a_parameter_of_several_types_is_named_once(client: httpx.AsyncClient) -> None:
    response = await client.get("/discrepancies?status=closed")
    assert response.status_code == 400
    message = "must be 'open' or 'resolved'; or must be 'unresolved'"
    assert response.json()["errors"] == [{"field": "status", "message": message}]
    assert response.json()["detail"] == f"status: {message}"


async def test_a_field_whose_name_is_a_card_number_is_not_repeated(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", json={"amount_cents": 5, "metadata": {}, "4242 4242 4242 4242": "x"})

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "***", "message": "is not a known field"}]
    assert "4242" not in response.text


async def test_a_body_that_is_no_json_is_400(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments", content=b"{", headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_request"
    assert [error["field"] for error in response.json()["errors"]] == ["body"]


async def test_a_missing_body_names_the_body(client: httpx.AsyncClient) -> None:
    response = await client.post("/payments")

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "body", "message": "is required"}]
