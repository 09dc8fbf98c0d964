"""What the query API says of itself, and what its settings refuse."""

import httpx
import pytest
from pydantic import ValidationError

from infra.health import Health
from infra.http.auth import ApiKeyring
from query_api.api import QueryApi
from query_api.app import create_app, openapi_document
from query_api.database import create_read_pool
from query_api.freshness import Freshness
from query_api.settings import QueryApiSettings


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
    document = openapi_document()
    assert sorted(document["paths"]) == [
        "/discrepancies",
        "/ledger/balances",
        "/ledger/entries",
        "/ledger/trial-balance",
        "/payments",
        "/payments/{payment_id}",
        "/payments/{payment_id}/events",
        "/reconciliations",
        "/reconciliations/{reconciliation_id}",
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
        "limit",
        "cursor",
        "min_position",
        "Paystream-Min-Position",
    }
    assert sorted(listing["responses"]) == ["200", "400", "401", "403", "503"]
    schemas = document["components"]["schemas"]
    assert "ProblemBody" in schemas
    assert "HTTPValidationError" not in schemas
    assert "dispute" in schemas["PaymentView"]["properties"]
    assert listing["security"] == [{"ApiKey": []}]


async def test_health_and_metrics_are_served_and_other_paths_are_404_problems() -> None:
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    api = QueryApi(pool=pool, freshness=Freshness(pool, wait_ms=1))
    app = create_app(api, keyring=ApiKeyring(()), health=Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://query") as client:
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
        for method, path, status in (("GET", "/refunds", 404), ("POST", "/payments", 405)):
            response = await client.request(method, path)
            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"
