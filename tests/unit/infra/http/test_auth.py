import hashlib
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from infra.access.keyring import ApiKeyring
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.http.context import RequestContextMiddleware
from infra.http.problems import install_problem_handlers
from infra.http.rate_limit.bucket import BucketRules
from infra.http.rate_limit.limiter import RateLimiter
from infra.settings.http import ApiKey


def a_key(key_id: str, token: str, *scopes: str) -> ApiKey:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return ApiKey(id=key_id, sha256=digest, merchant_id=f"merchant_of_{key_id}", scopes=frozenset(scopes))


def a_client(*, anonymous_merchant_id: str | None = None, limiter: RateLimiter | None = None) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware)
    app.state.rate_limiter = limiter
    install_problem_handlers(app)
    app.state.keyring = ApiKeyring(
        [
            a_key("reader", "sk_reader", "payments:read"),
            a_key("writer", "sk_writer", "payments:read", "payments:write"),
            a_key("accountant", "sk_accountant", "finance:read"),
        ]
    )

    @app.post("/payments")
    async def create(principal: Annotated[Principal, Depends(authenticated("payments:write"))]) -> dict[str, Any]:
        return {"merchant_id": principal.merchant_id, "key_id": principal.key_id}

    @app.get("/ledger")
    async def ledger(principal: Annotated[Principal, Depends(authenticated("finance:read"))]) -> str:
        return principal.key_id

    @app.get("/payments")
    async def read(
        principal: Annotated[Principal, Depends(authenticated("payments:read", anonymous_merchant_id))],
    ) -> dict[str, Any]:
        return {"merchant_id": principal.merchant_id, "key_id": principal.key_id}

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sk_reader", "This API key lacks the scope finance:read."),
        (
            "sk_accountant",
            "withheld from a merchant's key while there may be another merchant: use a key of the operator",
        ),
    ],
)
async def test_a_scope_that_is_withheld_is_told_from_one_that_was_not_given(key: str, said: str) -> None:
    response = await a_client().get("/ledger", headers={"Authorization": f"Bearer {key}"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert said in response.json()["detail"]
    assert ("withheld" in response.json()["detail"]) == (key == "sk_accountant")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_known_key_is_its_merchant_with_the_scheme_in_any_case(scheme: str) -> None:
    response = await a_client().post("/payments", headers={"Authorization": f"{scheme} sk_writer"})

    assert response.status_code == 200
    assert response.json() == {"merchant_id": "merchant_of_writer", "key_id": "writer"}


async def test_no_key_is_401_with_a_challenge() -> None:
    response = await a_client().post("/payments")

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("value", ["Basic sk_writer", "sk_writer", "Bearer", "Bearer ", "Digest a=b"])
async def test_another_scheme_is_401_and_told_which_one_is_expected(value: str) -> None:
    response = await a_client().post("/payments", headers=[(b"Authorization", value.encode())])

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "use one header Authorization: Bearer <API key>" in response.json()["detail"]
    assert "not valid" not in response.json()["detail"]
    assert "sk_w" not in response.text


@pytest.mark.parametrize("value", ["Bearer sk_wrong", "Bearer SK_WRITER", "Bearer é"])
async def test_a_wrong_key_is_401_and_not_repeated(value: str) -> None:
    response = await a_client().post("/payments", headers=[(b"Authorization", value.encode())])

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert response.json()["code"] == "unauthenticated"
    assert "sk_w" not in response.text


async def test_two_keys_in_one_request_are_refused() -> None:
    headers = [("Authorization", "Bearer sk_writer"), ("Authorization", "Bearer sk_reader")]

    assert (await a_client().post("/payments", headers=headers)).status_code == 401


async def test_a_key_without_the_scope_is_403() -> None:
    response = await a_client().post("/payments", headers={"Authorization": "Bearer sk_reader"})

    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="payments:write"'
    assert response.json()["code"] == "forbidden"


async def test_anonymous_reading_is_only_for_requests_without_a_key() -> None:
    client = a_client(anonymous_merchant_id="merchant_dev")

    anonymous = await client.get("/payments")
    assert anonymous.json() == {"merchant_id": "merchant_dev", "key_id": "anonymous"}
    assert (await client.get("/payments", headers={"Authorization": "Bearer sk_wrong"})).status_code == 401
    known = await client.get("/payments", headers={"Authorization": "Bearer sk_reader"})
    assert known.json()["merchant_id"] == "merchant_of_reader"
    assert (await client.post("/payments")).status_code == 401


async def test_a_key_that_asks_too_often_is_429_until_its_bucket_fills() -> None:
    now = [0.0]
    rules = BucketRules(rate=1, burst_s=2)
    client = a_client(limiter=RateLimiter({"read": rules}, clock=lambda: now[0]))

    async def read(token: str = "sk_reader") -> httpx.Response:
        return await client.get("/payments", headers={"Authorization": f"Bearer {token}"})

    first = await read()
    assert (first.status_code, first.headers["ratelimit"]) == (200, '"read";r=1;t=1')
    assert first.headers["ratelimit-policy"] == '"read";q=2;w=2'
    await read()
    refused = await read()
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"read";r=0;t=2'
    assert (await read("sk_writer")).status_code == 200, "another key has a bucket of its own"
    now[0] = 1.0
    assert (await read()).status_code == 200
    unlimited = await client.post("/payments", headers={"Authorization": "Bearer sk_writer"})
    assert (unlimited.status_code, "ratelimit" in unlimited.headers) == (200, False)
    assert "ratelimit" not in (await read("sk_wrong")).headers


async def test_the_openapi_document_says_bearer() -> None:
    document = (await a_client().get("/openapi.json")).json()

    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert document["paths"]["/payments"]["post"]["security"] == [{"ApiKey": []}]
