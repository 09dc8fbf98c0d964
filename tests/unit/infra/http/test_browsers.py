"""What browsers are told by every answer, and which pages may ask."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from command_api.app import bare_app as command_app
from infra.http.browsers import allow_origins
from infra.settings.http import CorsSettings
from query_api.app import bare_app as query_app

SHOP = "https://shop.example"
EXPECTED = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize("app", [command_app(), query_app()], ids=["command-api", "query-api"])
@pytest.mark.parametrize("path", ["/payments", "/nowhere", "/openapi.json", "/payments/x/events"])
async def test_every_answer_is_for_who_asked_and_nothing_else(app: FastAPI, path: str) -> None:
    headers = (await client_of(app).get(path)).headers
    assert {name: headers.get(name) for name in EXPECTED} == EXPECTED
    assert "access-control-allow-origin" not in headers


async def test_a_page_of_ours_keeps_its_own_policy() -> None:
    headers = (await client_of(command_app()).get("/docs")).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert len(headers.get_list("content-security-policy")) == 1


async def test_only_pages_of_the_origins_named_may_ask() -> None:
    app = command_app()
    allow_origins(app, [SHOP])
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key, content-type",
    }
    async with client_of(app) as client:
        allowed = await client.options("/payments", headers={"Origin": SHOP, **preflight})
        refused = await client.options("/payments", headers={"Origin": "https://evil.example", **preflight})
        answer = await client.post("/payments", headers={"Origin": SHOP}, json={})
    assert allowed.status_code == httpx.codes.OK
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in allowed.headers
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "access-control-allow-origin" not in refused.headers
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert "Idempotent-Replayed" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("wrong", ["*", "shop.example", "https://shop.example/", "https://shop.example/pay", "null"])
def test_what_is_no_origin_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="no origin"):
        CorsSettings(cors_allowed_origins=f"{SHOP}, {wrong}")


def test_origins_are_told_apart_by_commas() -> None:
    settings = CorsSettings(cors_allowed_origins=f" {SHOP} , http://localhost:3000,")
    assert settings.cors_allowed_origins == (SHOP, "http://localhost:3000")
