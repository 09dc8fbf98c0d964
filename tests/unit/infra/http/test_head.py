"""HEAD answers as GET does, without a body, wherever there is GET (RFC 9110, section 9.3.2)."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import Response, StreamingResponse

from infra.http.app import add_routers, build_app
from infra.http.openapi import ApiDescription
from infra.http.problems import Problem
from schemas.http.problems import ProblemBody

router = APIRouter()
streamed: list[str] = []


@router.get("/thing")
async def get_thing() -> Response:
    """Get a thing."""
    return Response(b"a thing", media_type="text/plain", headers={"ETag": '"1"'})


@router.get("/gone")
async def get_gone() -> Response:
    """Get what is not there."""
    raise Problem(410, "gone", "Gone", "It was taken away.")


@router.get("/stream")
async def get_stream() -> Response:
    """Get a stream without an end."""
    return StreamingResponse(_without_end(), media_type="text/event-stream")


@router.post("/thing")
async def create_thing() -> Response:
    """Create a thing."""
    return Response(status_code=201)


@router.post("/order")
async def create_order() -> Response:
    """Create an order."""
    return Response(status_code=201)


async def _without_end() -> AsyncIterator[str]:
    while True:
        streamed.append("more")
        yield "data: more\n\n"


def add(app: FastAPI) -> None:
    add_routers(app, [router])


APP = build_app(ApiDescription(title="T", text="t", models=(ProblemBody,), tags={}, local_url="http://localhost"), add)


@pytest.fixture
def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://test")


IDS = {"X-Request-ID": "r1"}


@pytest.mark.parametrize("path", ["/thing", "/gone", "/docs", "/openapi.json"])
async def test_head_answers_as_get_does(client: httpx.AsyncClient, path: str) -> None:
    got, head = await client.get(path, headers=IDS), await client.head(path, headers=IDS)
    assert (head.status_code, head.headers) == (got.status_code, got.headers)
    assert int(head.headers["content-length"]) == len(got.content)


async def test_head_has_no_body(client: httpx.AsyncClient) -> None:
    assert [(await client.head(path)).content for path in ("/thing", "/gone")] == [b"", b""]


async def test_a_stream_does_not_begin_for_head(client: httpx.AsyncClient) -> None:
    head = await client.head("/stream")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert streamed == []


async def test_what_has_no_get_has_no_head(client: httpx.AsyncClient) -> None:
    assert (await client.head("/order")).headers["allow"] == "POST"
    refused = await client.delete("/thing")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")


def test_the_document_has_get_alone() -> None:
    assert list(APP.openapi()["paths"]["/thing"]) == ["get", "post"]
