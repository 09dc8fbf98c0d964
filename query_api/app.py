"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from psycopg.errors import QueryCanceled

from infra.http.auth import ApiKeyring, authenticated
from infra.http.context import RequestContextMiddleware
from infra.http.docs import documentation_routes
from infra.http.openapi import describe
from infra.http.problems import install_problem_handlers, problem_response
from infra.process.health import Health, health_routes
from query_api.api import QueryApi
from query_api.documentation import API, DESCRIPTION
from query_api.errors import query_timeout
from query_api.ledger.api import LedgerApi
from query_api.ledger.routes import SCOPE as FINANCE_SCOPE
from query_api.ledger.routes import ledger_routes
from query_api.parameters import refuse_repeated
from query_api.reconciliations.routes import router as reconciliation_routes
from query_api.routes import payment_routes

SCOPE = "payments:read"


def create_app(
    api: QueryApi, *, keyring: ApiKeyring, health: Health, anonymous_merchant_id: str | None = None
) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given.

    With `anonymous_merchant_id` a request without an API key reads that merchant's payments (development only).
    """
    app = _bare_app(anonymous_merchant_id)
    app.state.query_api = api
    app.state.ledger_api = LedgerApi(pool=api.pool)
    app.state.keyring = keyring
    app.router.routes.extend(health_routes(health))
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the query API."""
    return _bare_app(None).openapi()


def _bare_app(anonymous_merchant_id: str | None) -> FastAPI:
    app = FastAPI(
        title="Paystream query API",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,  # with it go FastAPI's own pages, which load their scripts from elsewhere
        redirect_slashes=False,  # to an address that the client names in its Host header
    )
    for router in (
        payment_routes(authenticated(SCOPE, anonymous_merchant_id)),
        ledger_routes(authenticated(FINANCE_SCOPE)),  # of the whole account: always with a key
        reconciliation_routes,
    ):
        app.include_router(router, dependencies=[Depends(refuse_repeated)])
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    app.add_exception_handler(QueryCanceled, _on_timeout)
    describe(app, API)
    app.router.routes.extend(documentation_routes(app))
    return app


async def _on_timeout(request: Request, _: Exception) -> Response:
    return problem_response(query_timeout(), request.scope)
