"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from psycopg.errors import QueryCanceled

from infra.access.keyring import ApiKeyring
from infra.http.app import add_routers, build_app
from infra.http.auth import authenticated
from infra.http.browsers import allow_origins
from infra.http.problems import problem_response
from infra.http.rate_limit.limiter import RateLimiter
from infra.postgres.pool import Pool
from infra.process.health import Health, health_routes
from projections.audit.proof_files import ProofFiles
from projections.audit.seals import NO_WITNESSES, RequiredWitnesses
from query_api.audit.routes import SCOPE as AUDIT_SCOPE
from query_api.audit.routes import audit_routes
from query_api.audit.service import AuditReads
from query_api.customers.routes import customer_routes
from query_api.disputes.routes import dispute_routes
from query_api.disputes.service import DisputeReads
from query_api.documentation import API
from query_api.errors import query_timeout
from query_api.freshness import Freshness
from query_api.ledger.routes import SCOPE as FINANCE_SCOPE
from query_api.ledger.routes import ledger_routes
from query_api.ledger.service import LedgerReads
from query_api.merchant.routes import merchant_routes
from query_api.merchant.service import MerchantReads
from query_api.min_position import PositionTokens
from query_api.payments.routes import SCOPE, payment_routes
from query_api.payments.service import PaymentReads
from query_api.payouts.routes import payout_routes
from query_api.payouts.service import PayoutReads
from query_api.reconciliations.routes import router as reconciliation_routes
from query_api.reconciliations.service import ReconciliationReads
from query_api.split_payments.routes import split_payment_routes
from query_api.split_payments.service import SplitPaymentReads
from query_api.totals.routes import ledger_totals_routes, payment_totals_routes
from query_api.totals.service import TotalReads


def create_app(
    pool: Pool,
    freshness: Freshness,
    *,
    keyring: ApiKeyring,
    health: Health,
    anonymous_merchant_id: str | None = None,
    history: Pool | None = None,
    witnesses: RequiredWitnesses = NO_WITNESSES,
    proofs: ProofFiles | None = None,
    cors_allowed_origins: Sequence[str] = (),
    rate_limiter: RateLimiter | None = None,
    cell: str | None = None,
) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given.

    `history` reads the log, for what payments were and for auditors; without it that is not shown. Without `proofs` no
    event is proved. With `anonymous_merchant_id` a
    request without an API key reads that merchant's payments (development only). Without `rate_limiter` no key is
    limited. `cell` is named beside positions.
    """
    app = bare_app(anonymous_merchant_id)
    if cell is not None:
        app.add_middleware(PositionTokens, cell=cell)
    allow_origins(app, cors_allowed_origins)
    app.state.cell = cell
    app.state.payments = PaymentReads(pool=pool, freshness=freshness, history=history)
    app.state.audit = AuditReads(log=history, witnesses=witnesses, proofs=proofs)
    app.state.disputes = DisputeReads(pool=pool, freshness=freshness)
    app.state.split_payments = SplitPaymentReads(pool=pool, freshness=freshness)
    app.state.ledger = LedgerReads(pool=pool)
    app.state.merchant = MerchantReads(pool=pool)
    app.state.payouts = PayoutReads(pool=pool)
    app.state.totals = TotalReads(pool=pool)
    app.state.reconciliations = ReconciliationReads(pool=pool)
    app.state.keyring = keyring
    app.state.rate_limiter = rate_limiter
    app.router.routes.extend(health_routes(health))
    return app


def bare_app(anonymous_merchant_id: str | None = None) -> FastAPI:
    """Return the application without what it works with: it can only describe itself."""
    return build_app(API, partial(_add_routes, anonymous_merchant_id=anonymous_merchant_id))


def openapi_documents() -> Mapping[str, dict[str, Any]]:
    """Return the OpenAPI document by its path in the folder of exported files."""
    return {"openapi/query-api.json": bare_app().openapi()}


def _add_routes(app: FastAPI, *, anonymous_merchant_id: str | None) -> None:
    add_routers(app, _routers(anonymous_merchant_id))
    app.add_exception_handler(QueryCanceled, _on_timeout)


@cache
def _routers(anonymous_merchant_id: str | None) -> tuple[APIRouter, ...]:
    """Return the routers of all parts. They hold nothing of an application, so all of a process may have the same."""
    reader, finance = authenticated(SCOPE, anonymous_merchant_id), authenticated(FINANCE_SCOPE)
    return (
        payment_routes(reader),
        dispute_routes(reader),
        split_payment_routes(reader),
        merchant_routes(reader),
        payment_totals_routes(reader),
        customer_routes(reader),
        ledger_routes(finance),  # of the whole account: always with a key
        ledger_totals_routes(finance),
        payout_routes(finance),
        reconciliation_routes,
        audit_routes(authenticated(AUDIT_SCOPE)),
    )


async def _on_timeout(request: Request, _: Exception) -> Response:
    return problem_response(query_timeout(), request.scope)
