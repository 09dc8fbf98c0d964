"""What the query API says of itself, and what its settings refuse."""

import hashlib

import httpx
import pytest
from pydantic import ValidationError

from infra.access.keyring import ApiKeyring
from infra.process.health import Health
from infra.settings.http import ApiKey
from query_api.app import create_app, openapi_documents
from query_api.database import create_read_pool
from query_api.freshness import Freshness
from query_api.settings import QueryApiSettings
from tests.support.head_requests import check_head_of_every_route


def settings(**changes: object) -> QueryApiSettings:
    given = {"read_database_url": "postgresql://reader@127.0.0.1:1/none", "api_keys": ()}
    return QueryApiSettings.model_validate(given | changes)


def test_reading_without_a_key_is_refused_in_production() -> None:
    assert settings(query_anonymous_merchant_id="merchant_dev").query_anonymous_merchant_id == "merchant_dev"
    with pytest.raises(ValidationError, match="must not be set when APP_ENV=production"):
        settings(query_anonymous_merchant_id="merchant_dev", app_env="production")


async def test_every_connection_is_read_only_and_bounded_and_keeps_given_options() -> None:
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none?options=-c%20work_mem%3D8MB", size=1, timeout_ms=250)
    for option in ("work_mem=8MB", "default_transaction_read_only=on", "statement_timeout=250"):
        assert f"-c {option}" in str(pool.conninfo)
    assert isinstance(pool.kwargs, dict)
    assert pool.kwargs["autocommit"] is True


def test_the_openapi_document_holds_every_path_parameter_and_error() -> None:
    document = openapi_documents()["openapi/query-api.json"]
    assert sorted(document["paths"]) == [
        "/audit/erasures",
        "/audit/payments/{payment_id}/causes",
        "/audit/proofs/{subject}",
        "/audit/seals",
        "/audit/staff-log",
        "/customer-totals",
        "/discrepancies",
        "/discrepancies/{discrepancy_id}",
        "/disputes",
        "/ledger/balances",
        "/ledger/entries",
        "/ledger/totals",
        "/ledger/trial-balance",
        "/merchant/discrepancies",
        "/merchant/ledger/balances",
        "/merchant/ledger/entries",
        "/payment-count",
        "/payment-totals",
        "/payments",
        "/payments/{payment_id}",
        "/payments/{payment_id}/events",
        "/payouts",
        "/payouts/{payout_id}",
        "/reconciliations",
        "/reconciliations/{reconciliation_id}",
        "/split-payments",
        "/split-payments/{split_payment_id}",
    ]
    listing = document["paths"]["/payments"]["get"]
    assert {parameter["name"] for parameter in listing["parameters"]} == {
        "status",
        "user_id",
        "currency",
        "created_after",
        "created_before",
        "amount_min",
        "amount_max",
        "stripe_payment_intent_id",
        "idempotency_key",
        "contradicted",
        "disputed",
        "refusal_code",
        "split_payment_id",
        "decimal_amount",
        "request_id",
        "correlation_id",
        "limit",
        "cursor",
        "min_position",
        "Paystream-Min-Position",
        "Paystream-Position-Token",
    }
    assert sorted(listing["responses"]) == ["200", "400", "401", "403", "429", "503"]
    schemas = document["components"]["schemas"]
    assert "ProblemBody" in schemas
    assert "HTTPValidationError" not in schemas
    assert "dispute" in schemas["PaymentView"]["properties"]
    assert listing["security"] == [{"ApiKey": []}]


async def test_health_and_metrics_are_served_and_other_paths_are_404_problems() -> None:
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    app = create_app(pool, Freshness(pool, wait_ms=1), keyring=ApiKeyring(()), health=Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://query") as client:
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
        for method, path, status in (("GET", "/refunds", 404), ("POST", "/payments", 405)):
            response = await client.request(method, path)
            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        *("/payments?limit=1&limit=2", "/payments?limit=%2B1", "/payments?limit=1_0", "/payments?limit=%201"),
        *("/payments?limit=1.0", "/payments?limit=1e1", "/payments?limit=%EF%BC%91", "/payments?limit=01"),
        *("/payments?min_position=1.0", "/payments?amount_min=%2B5", "/payments?amount_max=5.0"),
        *("/payments?contradicted=1", "/payments?contradicted=on", "/payments?contradicted=True"),
        *("/payments?created_after=20260501", "/payments?created_after=2026-W18-5", "/payments?created_after=0"),
        *("/ledger/entries?since=0", "/ledger/entries?payment_id=019ab3c45d6e7f809a1b2c3d4e5f6071"),
        *("/ledger/balances?as_of=1777593600", "/ledger/entries?limit=5.0"),
        *("/reconciliations?date_from=0", "/reconciliations?date_to=20260501", "/discrepancies?date_from=1777593600"),
        *("/discrepancies?reconciliation_id={019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071}", "/discrepancies?limit=%2B5"),
        "/reconciliations/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071?x=1",
        "/payments/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071?min_position=1&min_position=2",
    ],
)
async def test_a_parameter_has_one_spelling_and_is_given_once(path: str) -> None:
    response = await reading(path)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("position", ["+1", "1.0", "1_0", "01", "\uff11"])
async def test_a_position_in_a_header_has_one_spelling(position: str) -> None:
    response = await reading("/payments", {"Paystream-Min-Position": position})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


async def test_a_slash_too_many_leads_nowhere() -> None:
    response = await reading("/payments/", {"Host": "evil.test"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_head_answers_as_get_does_on_every_route() -> None:
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    app = create_app(pool, Freshness(pool, wait_ms=1), keyring=ApiKeyring(()), health=Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://query") as client:
        assert await check_head_of_every_route(app, client) > 35


async def reading(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask with a key that may read all, of an API without a database."""
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    digest = hashlib.sha256(b"sk_reader").hexdigest()
    key = ApiKey(id="1", sha256=digest, merchant_id="m", scopes=frozenset({"payments:read", "finance:read"}))
    app = create_app(pool, Freshness(pool, wait_ms=1), keyring=ApiKeyring([key]), health=Health())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://query") as client:
        encoded = {name.encode(): value.encode() for name, value in (headers or {}).items()}
        return await client.get(path, headers={b"Authorization": b"Bearer sk_reader"} | encoded)
