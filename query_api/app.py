"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from psycopg.errors import QueryCanceled
from pydantic.json_schema import models_json_schema

from infra.health import Health, health_routes
from infra.http.auth import ApiKeyring, authenticated
from infra.http.context import RequestContextMiddleware
from infra.http.openapi import leave_out_validation_errors
from infra.http.problems import install_problem_handlers, problem_response
from query_api.api import QueryApi
from query_api.documentation import DESCRIPTION
from query_api.errors import query_timeout
from query_api.ledger.api import LedgerApi
from query_api.ledger.routes import SCOPE as FINANCE_SCOPE
from query_api.ledger.routes import ledger_routes
from query_api.parameters import refuse_repeated
from query_api.reconciliations.routes import router as reconciliation_routes
from query_api.routes import payment_routes
from schemas.http.problems import ProblemBody

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
        redoc_url=None,
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
    _describe_problems(app)
    return app


async def _on_timeout(request: Request, _: Exception) -> Response:
    return problem_response(query_timeout(), request.scope)


def _describe_problems(app: FastAPI) -> None:
    """Add the body of errors to the OpenAPI document, in place of FastAPI's own, which is never sent."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            leave_out_validation_errors(document)
            _, definitions = models_json_schema(
                [(ProblemBody, "validation")], ref_template="#/components/schemas/{model}"
            )
            document["components"]["schemas"].update(definitions["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
