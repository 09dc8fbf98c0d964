"""Clients of a query API that runs in the test's own process, and the API keys it knows."""

import hashlib

import httpx

from infra.access.keyring import ApiKeyring
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.settings.http import ApiKey
from projections.audit.proof_files import ProofFiles
from projections.audit.seals import NO_WITNESSES, RequiredWitnesses
from query_api.app import create_app
from query_api.freshness import Freshness

KEY, OTHER_KEY, WRITE_ONLY_KEY = "sk_test_reader", "sk_test_other", "sk_test_writer"
FINANCE_KEY, AUDIT_KEY = "sk_test_finance", "sk_test_audit"
MERCHANT, OTHER_MERCHANT = "merchant_test", "merchant_other"


def keyring() -> ApiKeyring:
    def key(number: str, text: str, merchant_id: str | None, scope: str) -> ApiKey:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return ApiKey(id=number, sha256=digest, merchant_id=merchant_id, scopes=frozenset({scope}))

    return ApiKeyring(
        [
            key("1", KEY, MERCHANT, "payments:read"),
            key("2", OTHER_KEY, OTHER_MERCHANT, "payments:read"),
            key("3", WRITE_ONLY_KEY, MERCHANT, "payments:write"),
            key("4", FINANCE_KEY, None, "finance:read"),
            key("5", AUDIT_KEY, None, "audit:read"),
        ]
    )


def client_of(
    pool: Pool,
    *,
    key: str | None = KEY,
    anonymous: str | None = None,
    history: Pool | None = None,
    witnesses: RequiredWitnesses = NO_WITNESSES,
    proofs: ProofFiles | None = None,
    cell: str | None = None,
) -> httpx.AsyncClient:
    app = create_app(
        pool,
        Freshness(pool, wait_ms=400),
        keyring=keyring(),
        health=Health(),
        anonymous_merchant_id=anonymous,
        history=history,
        witnesses=witnesses,
        proofs=proofs,
        cell=cell,
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://query",
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )
